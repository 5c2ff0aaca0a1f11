import * as j from 'jotrack';
import { raw, struct, takeText, later } from '../library.mjs';
const lib = (await import('koffi')).default;
const e = await j.open();
for (const q of ['{ __typename }', '{ __typename  }', '{ jobs(first: 1) { nodes { id } } }', '# 4567 890\n{ __typename }', '{ a:__typename b:__typename }']) {
  console.log(q.length, JSON.stringify(await e.graphql(q)).slice(0, 100));
}
const f = lib.load('libc.so.6').func('int puts(const char *s)');
lib.struct('two', {a: 'size_t', q: 'const char *', z: 'const char *'});
const p = lib.load('libc.so.6').func('int printf(const char *f, two *x)');
await e.close();
