"use strict";
// Starts the playground. In this order: the link's token becomes a session, then the editor appears
// with the example documents; without a session a text says how to get the link.
(() => {
  const { createElement: h, useEffect } = React;
  const api = GraphiQL.React;
  const graphqlPath = "/graphql";
  const accept = "application/graphql-response+json, application/json;q=0.9";
  const page = document.getElementById("graphiql");
  const examples = JSON.parse(document.getElementById("examples").textContent);

  function post(path, body, { headers = {}, signal } = {}) {
    return fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", accept, ...headers },
      body: JSON.stringify(body),
      signal,
    });
  }

  // ---------------------------------------------------------------- session

  /** Turns the token of the address into a session; false when the server refuses it. */
  async function signIn() {
    const mark = "#token=";
    if (!location.hash.startsWith(mark)) return true;
    const token = location.hash.slice(mark.length);
    // Before the request: whatever the answer, the token stays in no history and no copied address.
    history.replaceState(null, "", location.pathname + location.search);
    return (await post("/session", { token })).ok;
  }

  /** The ids of the newest jobs; null when this browser has no session. */
  async function newestJobs() {
    const query = "query Start { viewer { id } jobs(first: 3) { nodes { id } } }";
    const answer = await post(graphqlPath, { query, operationName: "Start" });
    if (answer.status === 401 || answer.status === 403) return null;
    const { data } = await answer.json();
    if (data?.viewer === null) return null;
    return (data?.jobs?.nodes ?? []).map((job) => job.id);
  }

  // ---------------------------------------------------------------- fetching

  const socket = new URL("/graphql/ws", location.href);
  socket.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const fetchDefault = GraphiQL.createFetcher({
    url: graphqlPath,
    subscriptionUrl: socket.href,
    headers: { accept },
    // GraphiQL would ask for multipart answers, which the server does not offer.
    enableIncrementalDelivery: false,
  });

  const overEventStream = new URLSearchParams(location.search).get("transport") === "sse";

  function fetcher(request, options = {}) {
    const operation = options.documentAST
      && GraphiQL.GraphQL.getOperationAST(options.documentAST, request.operationName);
    return overEventStream && operation?.operation === "subscription"
      ? eventStream(request, options.headers)
      : fetchDefault(request, options);
  }

  /** The results of one operation over graphql-sse, as the async iterator GraphiQL reads and stops. */
  function eventStream(request, headers) {
    const stop = new AbortController();
    const results = readResults(request, headers, stop.signal);
    const ended = { value: undefined, done: true };
    return {
      [Symbol.asyncIterator]() { return this; },
      next: () => results.next().catch((error) => (stop.signal.aborted ? ended : Promise.reject(error))),
      // A generator's own `return` would wait for the pending read, which may never come.
      return() { stop.abort(); return Promise.resolve(ended); },
    };
  }

  async function* readResults(request, headers, signal) {
    const answer = await post(graphqlPath, request, { headers: { ...headers, accept: "text/event-stream" }, signal });
    if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) {
      yield await answer.json();
      return;
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error("The server ended the event stream.");
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const lines = block.split("\n");
        const event = lines.find((line) => line.startsWith("event:"))?.slice(6).trim();
        if (event === "complete") return;
        const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
        if (event === "next") yield JSON.parse(data);
      }
    }
  }

  // ---------------------------------------------------------------- storage

  const storage = GraphiQL.createLocalStorage({ namespace: "jotrack" });
  const store = storage.setItem;
  const withoutHeaders = (name, value) => (name === "headers" ? undefined : value);
  // GraphiQL's history keeps the headers editor, and with it any token typed there, although it is
  // told not to. The key `tabState` is left alone: it holds no headers, but is refused without the entry.
  storage.setItem = (key, text) => store(key, /:(queries|favorites)$/.test(key)
    ? JSON.stringify(JSON.parse(text), withoutHeaders)
    : text);

  // ---------------------------------------------------------------- examples

  /** Puts the newest jobs of this database where the variables say JOB_1, JOB_2, JOB_3. */
  function fillIn(variables, jobs) {
    return (variables ?? "").trim().replace(/JOB_([1-9])/g, (mark, number) => jobs[number - 1] ?? mark);
  }

  /** The first comment line of a document: what it shows. */
  function firstComment(query) {
    return /^# *(.*)/.exec(query)?.[1] ?? "";
  }

  function ExamplesPanel() {
    const { tabs, addTab, changeTab, queryEditor, variableEditor } = api.useEditorContext({ nonNull: true });
    const { stop } = api.useExecutionContext({ nonNull: true });

    async function open({ query, variables }) {
      stop();
      const jobs = (await newestJobs().catch(() => null)) ?? [];
      const present = tabs.findIndex((tab) => tab.query === query);
      if (present < 0) addTab();
      else changeTab(present);
      // The editors are filled by hand, and only after GraphiQL has put the tab's own text into them.
      setTimeout(() => {
        queryEditor.setValue(query);
        variableEditor.setValue(fillIn(variables, jobs));
      });
    }

    return h("section", { className: "examples" },
      h("h2", null, "Examples"),
      h("p", null, "Each opens in a tab of its own. Run it with the round button or Ctrl-Enter."),
      h("ol", null, examples.map((example) => h("li", { key: example.title },
        h("button", { type: "button", onClick: () => open(example) },
          h("strong", null, example.title),
          h("span", null, firstComment(example.query)))))));
  }

  const examplesPlugin = {
    title: "Examples",
    icon: () => h("svg", { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.6 },
      h("path", { d: "M4 5.5h16M4 12h16M4 18.5h10", strokeLinecap: "round" })),
    content: ExamplesPanel,
  };

  /** Opens the examples on the first visit; later GraphiQL remembers what was open. */
  function Welcome() {
    const { plugins } = api.usePluginStore();
    useEffect(() => {
      // Through its button: that also gives the panel its width.
      document.querySelector(`button[aria-label="Show ${examplesPlugin.title}"]`)?.click();
    }, [plugins]);
    return null;
  }

  // ---------------------------------------------------------------- start

  function showText(id) {
    page.replaceChildren(document.getElementById(id).content.cloneNode(true));
    const link = page.querySelector(".link");
    if (link) link.textContent = `${location.origin}/#token=…`;
  }

  function showEditor(jobs) {
    const firstVisit = storage.getItem("graphiql:tabState") === null;
    const tabs = examples.slice(0, 3)
      .map(({ query, variables }) => ({ query, variables: fillIn(variables, jobs) }));
    ReactDOM.createRoot(page).render(h(GraphiQL, {
      fetcher,
      storage,
      defaultTabs: tabs,
      // GraphiQL puts the variables of a default tab into the editor only when the tab is entered again.
      variables: firstVisit ? tabs[0]?.variables : undefined,
      plugins: [examplesPlugin, GraphiQLPluginExplorer.explorerPlugin()],
      defaultEditorToolsVisibility: true,
      inputValueDeprecation: true,
      schemaDescription: true,
      shouldPersistHeaders: false,
      showPersistHeadersSettings: false,
    }, h(GraphiQL.Logo, null, h("span", { className: "jotrack-logo" }, "JoTrack")), firstVisit && h(Welcome)));
  }

  async function start() {
    try {
      const accepted = await signIn();
      const jobs = await newestJobs();
      if (jobs !== null) showEditor(jobs);
      else showText(accepted ? "no-session" : "bad-token");
    } catch {
      showText("no-answer");
    }
  }

  // Pasting the link into a tab that shows this page already changes only the fragment.
  addEventListener("hashchange", () => {
    if (location.hash.startsWith("#token=")) location.reload();
  });
  start();
})();
