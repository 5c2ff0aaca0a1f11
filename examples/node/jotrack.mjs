// JoTrack for Node: the engine in this process, through its C library.
//
//     import { open } from 'jotrack';
//
//     const engine = await open('/home/me/.local/share/jotrack');
//     for await (const job of engine.jobs) console.log(job.title, job.company);
//     await engine.close();

import { DispatchMode } from './abi.mjs';
import * as analyses from './analyses.mjs';
import { Attachments } from './attachments.mjs';
import { ChangeLog, Subscription } from './changes.mjs';
import { CoachStates, Keys, Texts, match } from './documents.mjs';
import { Handle } from './handle.mjs';
import { Jobs } from './jobs.mjs';
import { call, callNow, optionalIn, raw, struct, takeText, textIn, whenCollected } from './library.mjs';

export {
  AttachmentKind,
  ChangeOp,
  CoachStatus,
  CoachStep,
  EngineState,
  Entity,
  EventKind,
  Feature,
  JobOrder,
  JobStatus,
  ScoreBand,
  Selection,
  StatusCode,
  TextError,
  TextState,
  VariantName,
} from './abi.mjs';
export { JoTrackError } from './errors.mjs';

class Engine {
  #keep;

  /** @internal */
  constructor(handle) {
    /** For the modules of this package. */
    Object.defineProperty(this, 'handle', { value: handle });
    this.jobs = new Jobs(this);
    this.attachments = new Attachments(this);
    this.texts = new Texts(this);
    this.coach = new CoachStates(this);
    this.keys = new Keys(this);
    this.changes = new ChangeLog(this);
    this.#keep = whenCollected(this, () => handle.close().catch(() => {}));
  }

  get closed() {
    return this.handle.closed;
  }

  /** Waits for calls that run, gives running work 5 seconds, tells every callback and closes. */
  close() {
    this.#keep();
    return this.handle.close();
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** How well the active résumé of a job matches its job description; null without both. */
  match(jobId) {
    return match(this.handle, jobId);
  }

  /** How the engine is. */
  health() {
    return this.handle.json('engine_health_json');
  }

  /** Starts an analysis, joins one that is under way, or finds the answer that is kept. */
  analyse(request, options) {
    return analyses.start(this, request, options);
  }

  /** Follows an analysis from after the event `after` on, also one of an earlier process. */
  follow(id, options) {
    return analyses.follow(this, id, options);
  }

  /** Reads an analysis, see jotrack_analysis_get. */
  analysis(id) {
    return this.handle.json('analysis_get', textIn(id));
  }

  /** Cancels an analysis, whoever started it. */
  cancelAnalysis(id) {
    return this.handle.call('analysis_cancel', textIn(id));
  }

  /** Subscribes to changes, those of other processes included. */
  subscribe(options) {
    return Subscription.open(this, options);
  }

  /** Executes a query or a mutation and returns the response: look at its `errors`. */
  graphql(query, variables, { operationName, timeoutMs = 0 } = {}) {
    const request = struct('jotrack_graphql_request', {
      query: textIn(query),
      operation_name: optionalIn(operationName),
      variables_json: variables === undefined ? null : JSON.stringify(variables),
      timeout_ms: timeoutMs,
    });
    return this.handle.json('graphql_execute', request);
  }
}

/** Opens the engine of a folder, which is made when it is missing; without one nothing is kept. */
export async function open(dataDir, { database, config, workerThreads = 0, masterKey } = {}) {
  const options = struct('jotrack_options');
  raw('options_init')(options, options.struct_size);
  Object.assign(options, {
    data_dir: optionalIn(dataDir),
    database: optionalIn(database),
    config_json: config === undefined ? null : JSON.stringify(config),
    worker_threads: workerThreads,
    master_key: optionalIn(masterKey),
    dispatch: DispatchMode.THREAD, // callbacks.mjs says why.
  });
  const out = [null];
  await call('engine_open', options, out);
  return new Engine(new Handle(out[0]));
}

/** The version of the library that runs. */
export const version = () => raw('version_string')();

/** What is built into the library that runs: bits of Feature. */
export const features = () => raw('features')();

/** The schema of GraphQL in the schema definition language. */
export function schema() {
  const owned = [null];
  callNow('graphql_schema', owned);
  return takeText(owned[0]);
}

/** The opaque id in GraphQL of an object. */
export function nodeId(entity, id) {
  const owned = [null];
  callNow('node_id_format', entity, textIn(id), owned);
  return takeText(owned[0]);
}

/** What object an opaque id of GraphQL stands for. */
export function parseNodeId(node) {
  const entity = [0];
  const id = Buffer.alloc(40);
  callNow('node_id_parse', textIn(node), entity, id, id.byteLength);
  return { entity: entity[0], id: id.toString('latin1', 0, id.indexOf(0)) };
}
