// Drives the playground of a running server in a real Chromium.
//
//   node playground.mjs LINK [SCREENSHOT.png]
//
// LINK is the line that `jotrack demo` prints, token included. Prints one line for each fact and
// "N passed, N failed" at the end; exits 1 when a fact failed, 2 when it could not start.
import { writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [link, screenshotPath] = process.argv.slice(2);
const [base, token] = (link ?? "").split("/#token=");
if (!token) {
  console.error("usage: node playground.mjs http://127.0.0.1:PORT/#token=TOKEN [SCREENSHOT.png]");
  process.exit(2);
}
const origin = new URL(base).origin;
const timeout = 20_000;
const rawBytesMax = 1_400_000;
const editor = ".graphiql-query-editor .CodeMirror";
const runButton = "button.graphiql-execute-button";

let passed = 0;
let failed = 0;

async function check(fact, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok      ${fact}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${fact}: ${String(error.message ?? error).split("\n").slice(0, 4).join(" ")}`);
  }
}

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

function assertNone(list, what) {
  assert(list.length === 0, `${what}: ${list.slice(0, 5).join("; ")}`);
}

// ------------------------------------------------------------------ browser

const browser = await chromium.launch({
  executablePath: process.env.JOTRACK_TEST_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${new URL(base).hostname}`,
  ],
}).catch((error) => {
  console.error(`Chromium did not start: ${error.message}`);
  process.exit(2);
});

/** A fresh profile that keeps a record of everything a clean page must not do. */
async function openProfile(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(timeout);
  const seen = { outside: [], failed: [], errors: [], violations: [], requests: [], bytes: new Map(), sockets: [] };
  await context.exposeBinding("reportViolation", (_, text) => seen.violations.push(text));
  await context.addInitScript(() => addEventListener("securitypolicyviolation",
    (event) => window.reportViolation(`${event.effectiveDirective} ${event.blockedURI}`)));
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== origin) seen.outside.push(request.url());
    seen.requests.push(request);
  });
  context.on("requestfailed", (request) => {
    const stoppedStream = request.failure()?.errorText === "net::ERR_ABORTED"
      && request.headers().accept === "text/event-stream";
    if (!stoppedStream) seen.failed.push(`${request.url()} ${request.failure()?.errorText}`);
  });
  context.on("response", async (response) => {
    if (response.status() >= 400) seen.failed.push(`${response.url()} ${response.status()}`);
    if (response.url().includes("/playground/")) seen.bytes.set(response.url(), (await response.body().catch(() => "")).length);
  });
  context.on("console", (message) => { if (message.type() === "error") seen.errors.push(message.text()); });
  context.on("weberror", (error) => seen.errors.push(error.error().message));
  context.on("page", (page) => page.on("websocket", (socket) => {
    const record = { url: socket.url(), sent: [] };
    seen.sockets.push(record);
    if (new URL(socket.url()).host !== new URL(origin).host) seen.outside.push(socket.url());
    socket.on("framesent", ({ payload }) => record.sent.push(JSON.parse(payload)));
  }));
  return { context, seen };
}

async function assertClean({ seen }) {
  assertNone(seen.outside, "requests to other hosts");
  assertNone(seen.failed, "failed requests");
  assertNone(seen.errors, "console errors");
  assertNone(seen.violations, "policy violations");
}

async function editorReady(page) {
  await page.waitForSelector(editor);
  await page.waitForFunction(() => !document.querySelector(".graphiql-spinner, .graphiql-spin"));
}

async function storedText(page) {
  return page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
}

// ------------------------------------------------------------------ editors

const textOf = (page, selector) => page.$eval(selector, (element) => element.CodeMirror.getValue());
const setText = (page, selector, text) => page.$eval(selector, (element, value) => element.CodeMirror.setValue(value), text);
const variablesEditor = ".graphiql-editor-tool .CodeMirror >> nth=0";
const headersEditor = ".graphiql-editor-tool .CodeMirror >> nth=1";

async function openExample(page, title) {
  if (!(await page.isVisible(".examples"))) await page.click('button[aria-label="Show Examples"]');
  await page.locator(".examples button", { has: page.locator(`strong:text-is("${title}")`) }).click();
  const { query } = (await examplesOf(page)).find((example) => example.title === title);
  const operation = /^(?:query|mutation|subscription) (\w+)/m.exec(query)[1];
  // The editor learns the operation's name a moment after its text, and runs the text by that name.
  await page.waitForFunction(([selector, wanted, name]) => {
    const [shown, variables] = [selector, ".graphiql-editor-tool .CodeMirror"]
      .map((place) => document.querySelector(place)?.CodeMirror);
    return shown?.getValue() === wanted && shown.operationName === name && !variables.getValue().includes('"JOB_');
  }, [editor, query, operation]);
}

const examplesOf = (page) => page.$eval("#examples", (element) => JSON.parse(element.textContent));

/** The value in the result pane, once `wanted` accepts it. */
async function resultWhere(page, wanted) {
  const deadline = performance.now() + timeout;
  for (let text = ""; ;) {
    try {
      const value = JSON.parse(text);
      if (wanted(value)) return value;
    } catch {
      // Empty, or not complete yet.
    }
    assert(performance.now() < deadline, `the result stayed: ${text.slice(0, 200)}`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
    text = await textOf(page, ".result-window .CodeMirror");
  }
}

async function run(page) {
  // A tab that ran before still shows that answer.
  await setText(page, ".result-window .CodeMirror", "");
  await page.click(runButton);
  const result = await resultWhere(page, ({ data, errors }) => data !== undefined || errors !== undefined);
  assert(!result.errors, `errors: ${JSON.stringify(result.errors)?.slice(0, 300)}`);
  return result.data;
}

// ------------------------------------------------------------------ the API, as a program uses it

async function mutate(title) {
  const answer = await fetch(`${origin}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({
      query: "mutation Make($input: JobCreateInput!) { jobCreate(input: $input) { revision job { id } userErrors { message } } }",
      variables: { input: { company: "Brightwater Tools", title } },
    }),
  });
  const { data } = await answer.json();
  assert(answer.ok && data?.jobCreate.job, `the mutation was answered ${answer.status}`);
  return data.jobCreate.revision;
}

// ------------------------------------------------------------------ facts

await check("without a session the page says how to get the link", async () => {
  const { context, seen } = await openProfile();
  const page = await context.newPage();
  await page.goto(origin);
  await page.waitForSelector("text=Open the playground by its link");
  assert((await page.textContent(".link")).startsWith(origin), "the text names another address");
  assert(!(await page.$(editor)), "an editor without a session");
  assertNone([...seen.outside, ...seen.violations], "outside requests or violations");
  await context.close();
});

await check("a wrong token leaves the address and is explained", async () => {
  const { context, seen } = await openProfile();
  const page = await context.newPage();
  await page.goto(`${origin}/#token=${"x".repeat(token.length)}`);
  await page.waitForSelector("text=This link does not open the playground");
  assert(page.url() === `${origin}/`, `the address is ${page.url()}`);
  assertNone([...seen.outside, ...seen.violations], "outside requests or violations");
  // The right link, pasted into the same tab, changes only the fragment.
  await page.evaluate((fragment) => { location.hash = fragment; }, `token=${token}`);
  await editorReady(page);
  await context.close();
});

await check("control: the record notices a foreign image, and the policy stops it", async () => {
  const { context, seen } = await openProfile();
  const page = await context.newPage();
  await page.goto(origin);
  await page.evaluate(() => { new Image().src = "https://images.example/a.png"; });
  for (let turn = 0; turn < 100 && seen.violations.length === 0; turn += 1) await page.evaluate(() => new Promise(requestAnimationFrame));
  assert(seen.violations.join() === "img-src https://images.example/a.png", `violations: ${seen.violations}`);
  await context.close();
});

const profile = await openProfile();
const page = await profile.context.newPage();
let started = performance.now();

await check("the link opens the editor and its token leaves the address", async () => {
  await page.goto(link);
  await editorReady(page);
  const firstMs = Math.round(performance.now() - started);
  assert(page.url() === `${origin}/`, "the token is still in the address");
  assert(!(await storedText(page)).includes(token), "the token is in the browser's storage");
  assert(!(await page.evaluate(() => document.cookie)), "scripts can read the cookie");
  const bytes = [...profile.seen.bytes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`        first load: ${bytes} bytes of files, usable after ${firstMs} ms`);
  assert(profile.seen.bytes.size >= 8 && bytes <= rawBytesMax, `${profile.seen.bytes.size} files, ${bytes} bytes`);
  await page.waitForSelector(".examples");
});

await check("the first tabs are a query, a mutation and a subscription", async () => {
  const titles = await page.$$eval("[id^=graphiql-session-tab-]", (tabs) => tabs.map((tab) => tab.textContent));
  assert(titles.join() === "JobBoard,CreateAndMove,LiveChanges", titles.join());
  const documents = await examplesOf(page);
  const shown = await page.$$eval(".examples strong", (titles) => titles.map((title) => title.textContent));
  assert(shown.join() === documents.map(({ title }) => title).join(), shown.join());
});

await check("the first example runs and shows jobs", async () => {
  const { jobs } = await run(page);
  assert(jobs.nodes.length > 0 && jobs.nodes[0].title, "no jobs");
  assert(jobs.nodes.some((job) => job.attachments.nodes.length > 0), "no job has an attachment");
  assert(jobs.nodes.some((job) => job.matchScore), "no job has a score");
  if (screenshotPath) {
    await page.mouse.move(720, 895);
    await page.waitForSelector(".result-window .CodeMirror-foldgutter-open");
    await writeFile(screenshotPath, await page.screenshot());
  }
});

// What an example's answer must show beyond having no errors.
const expected = {
  "Job board": ({ jobs }) => jobs.nodes.length > 0,
  "Create and move a job": ({ created, moved }) => created.job.title && moved.job.status === "PHONE_SCREEN",
  "One job": ({ jobs }) => jobs.nodes[0].skills.length > 0 && jobs.nodes[0].matchScore && jobs.nodes[0].resume.text,
  "Search": ({ search }) => search.edges[0].node.title,
  "Coach walk": ({ saved, tooEarly }) => saved.coach.profile && tooEarly.userErrors[0].missing.length > 0,
  "Bulk changes": ({ trashed, restored }) => trashed.jobs[0].trashedAt && restored.jobs[0].trashedAt === null,
  "Attach text": ({ attachmentCreate }) => attachmentCreate.attachment.variant.text.includes("Rust"),
};

for (const { title, query } of await examplesOf(page)) {
  if (/^subscription\b/m.test(query)) continue;
  await check(`example "${title}" runs`, async () => {
    await openExample(page, title);
    const data = await run(page);
    assert((expected[title] ?? (() => true))(data), JSON.stringify(data).slice(0, 400));
  });
}

/** Runs the subscription example, makes two jobs from outside, sees both, stops. */
async function followChanges(view, name, headers) {
  await openExample(view, "Live changes");
  if (headers) {
    // After the example: opening one puts back the headers that its tab had a moment ago.
    await view.click('button[data-name="headers"]');
    await setText(view, headersEditor, JSON.stringify(headers));
    await view.click('button[data-name="variables"]');
  }
  const since = await mutate(`${name} before`);
  await setText(view, variablesEditor, JSON.stringify({ since, entities: ["JOB"] }));
  await view.click(runButton);
  await view.waitForSelector(`${runButton}[aria-label^="Stop query"]`);
  for (const title of [`${name} one`, `${name} two`]) {
    await mutate(title);
    await resultWhere(view, ({ data }) => JSON.stringify(data).includes(title));
  }
  await view.click(runButton);
  await view.waitForSelector(`${runButton}[aria-label^="Execute query"]`);
  assert((await textOf(view, ".result-window .CodeMirror")).includes(`${name} two`), "the last event is gone");
}

await check("a subscription shows events over WebSocket and stops", async () => {
  const before = profile.seen.sockets.length;
  await followChanges(page, "WebSocket", { authorization: `Bearer ${token}` });
  const sockets = profile.seen.sockets.slice(before);
  assert(sockets.length === 1 && sockets[0].url.endsWith("/graphql/ws"), `${sockets.length} sockets`);
  const types = sockets[0].sent.map(({ type }) => type);
  assert(types[0] === "connection_init" && types.includes("subscribe") && types.includes("complete"), types.join());
  assert(sockets[0].sent[0].payload?.authorization === `Bearer ${token}`, "connection_init has no bearer");
});

await check("a bearer in the headers editor reaches HTTP and is not stored", async () => {
  await openExample(page, "Search");
  await page.click('button[data-name="headers"]');
  await setText(page, headersEditor, JSON.stringify({ authorization: `Bearer ${token}` }));
  const request = page.waitForRequest(`${origin}/graphql`);
  await page.click(runButton);
  assert((await request).headers().authorization === `Bearer ${token}`, "the header was not sent");
  await resultWhere(page, (value) => value.data?.search);
  await page.click('button[data-name="variables"]');
  // GraphiQL saves half a second after the last change; a reload afterwards shows what was kept.
  await page.waitForFunction(() => localStorage.getItem("jotrack:graphiql:tabState")?.includes("query Search"));
  await page.waitForFunction(() => localStorage.getItem("jotrack:graphiql:queries")?.includes("query Search"));
  assert(!(await storedText(page)).includes(token), "the token is in the browser's storage");
});

await check("documentation, history, settings, dark theme and short keys open", async () => {
  await page.click('button[aria-label="Show Documentation Explorer"]');
  await page.waitForSelector('.graphiql-doc-explorer >> text="Query"');
  await page.click('button[aria-label="Show History"]');
  await page.waitForSelector(".graphiql-history-item");
  await page.click('button[aria-label="Show GraphiQL Explorer"]');
  await page.waitForSelector(".graphiql-explorer-root");
  await page.click('button[aria-label="Open short keys dialog"]');
  await page.waitForSelector('.graphiql-dialog >> text="Short Keys"');
  await page.keyboard.press("Escape");
  await page.click('button[aria-label="Open settings dialog"]');
  for (const theme of ["dark", "light"]) {
    await page.click(`.graphiql-dialog button[data-theme="${theme}"]`);
    await page.waitForSelector(`body.graphiql-${theme}`);
  }
  assert(!(await page.$('.graphiql-dialog >> text="Persist headers"')), "headers could be made to persist");
  await page.keyboard.press("Escape");
});

await check("a reload keeps the tabs and transfers no file again", async () => {
  const count = await page.$$eval("[id^=graphiql-session-tab-]", (tabs) => tabs.length);
  started = performance.now();
  await page.reload();
  await editorReady(page);
  const secondMs = Math.round(performance.now() - started);
  const transferred = await page.evaluate(() => performance.getEntriesByType("resource")
    .filter((entry) => entry.name.includes("/playground/") && entry.transferSize > 0).map((entry) => entry.name));
  console.log(`        second load: usable after ${secondMs} ms`);
  assertNone(transferred, "transferred again");
  const kept = await page.$$eval("[id^=graphiql-session-tab-]", (tabs) => tabs.length);
  assert(kept === count, `${count} tabs became ${kept}`);
});

await check("a subscription shows events over an event stream and stops", async () => {
  const second = await profile.context.newPage();
  const before = profile.seen.sockets.length;
  await second.goto(`${origin}/?transport=sse`);
  await editorReady(second);
  await followChanges(second, "Event stream");
  assert(profile.seen.sockets.length === before, "a WebSocket was opened");
  const streams = profile.seen.requests.filter((request) => request.headers().accept === "text/event-stream");
  assert(streams.length === 1, `${streams.length} event streams`);
  await second.close();
});

await check("no outside request, failed request, console error or policy violation", () => assertClean(profile));

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
