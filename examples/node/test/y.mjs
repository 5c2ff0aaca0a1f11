import koffi from 'koffi';
import { structs } from '../abi.mjs';
const l = koffi.load('/tmp/w/v-node/echo.so');
koffi.struct('jotrack_graphql_request', structs.jotrack_graphql_request);
const f = l.func('int echo(const jotrack_graphql_request *r, _Out_ int *n)');
const r = {struct_size: 40, query: '{ jobs(first: 1) { nodes { id } } }', operation_name: null, variables_json: null, timeout_ms: 0};
f(r, [0]);
await new Promise(g => f.async(r, [0], g));
