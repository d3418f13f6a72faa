import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { importViolations, importsOf, lengthViolations, loadedBy, type Sources, type Violation } from './support/architecture.ts'

const root = join(import.meta.dirname, '..')

const LINES_MAX = 400
/** Files that may be longer, each with the reason. */
const LONG_FILES: Record<string, string> = {}

const lib: Sources = new Map(
  readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => `lib/${name.split(sep).join('/')}`)
    .map(file => [file, readFileSync(join(root, file), 'utf8')]),
)

function assertNone(violations: Violation[]): void {
  assert.ok(violations.length === 0, violations.map(({ rule, text }) => `[${rule}] ${text}`).join('\n    '))
}

const ours = suite('architecture of lib')

ours('every import keeps to the rooms and their ranks', () => {
  assert.ok(lib.size > 0, 'no file found in lib')
  assertNone(importViolations(lib))
})

ours(`no file is longer than ${LINES_MAX} lines without a reason`, () => {
  assertNone(lengthViolations(lib, LINES_MAX, LONG_FILES))
})

/** Entries that run in browsers, with what loading them must not load at once. typebox alone would break the size of core. */
const browserEntries: Record<string, RegExp> = {
  'lib/core.ts': /^(ws$|node:|typebox|tiny-secp256k1|rate-limiter-flexible)/,
  'lib/index.browser.ts': /^(ws$|node:)/,
  'lib/transports/memory.ts': /^(ws$|node:)/,
  'lib/transports/websocket.browser.ts': /^(ws$|node:|typebox)/,
  'lib/testing/index.ts': /^(ws$|node:)/,
  'lib/bitcoin/index.ts': /^(ws$|node:|typebox|tiny-secp256k1)/,
  'lib/protocols/musig2/index.ts': /^(ws$|node:|tiny-secp256k1)/,
}

for (const [entry, unwanted] of Object.entries(browserEntries)) {
  ours(`loading ${entry} loads nothing matching ${unwanted}`, () => {
    assert.ok(lib.has(entry), `${entry} does not exist`)
    assert.equal([...loadedBy(lib, entry)].filter(([name]) => unwanted.test(name)), [])
  })
}

ours.run()

const rules = suite('architecture rules')

/** The violations of planted sources, as `rule file`. */
function found(sources: Record<string, string>): string[] {
  return importViolations(new Map(Object.entries(sources))).map(({ rule, file }) => `${rule}: ${file}`)
}

rules('a room may import itself and lower ranks', () => {
  assert.equal(found({
    'lib/contracts/clock.ts': "import type { TSchema } from 'typebox'",
    'lib/foundation/hex.ts': '',
    'lib/wire/frame.ts': "import { toHex } from '../foundation/hex.ts'\nimport { x } from './codec.ts'\nimport { encode } from 'cborg'",
    'lib/protocols/gossip/handler.ts': "import { a } from './state.ts'\nimport { b } from '../../protocol-kit/define.ts'\nimport { c } from '../../bitcoin/psbt.ts'",
    'lib/coordinator/routes.ts': "import { a } from '../peers/manager.ts'\nimport { b } from '../transports/memory.ts'",
    'lib/index.ts': "export * from './core.ts'\nexport { a } from './protocols/gossip/index.ts'",
    'lib/testing/simulator.ts': "import { a } from '../index.ts'",
    'lib/node/daemon.ts': "import { readFile } from 'node:fs/promises'\nimport { a } from '../index.ts'",
    'lib/crypto/fast.ts': "import { sha256 } from '@noble/hashes/sha2.js'\nimport { createHash } from 'node:crypto'\nconst wasm = () => import('tiny-secp256k1')",
    'lib/transports/websocket.node.ts': "import { WebSocket } from 'ws'\nimport { createServer } from 'node:http'",
  }), [])
})

const planted: [name: string, rule: Violation['rule'], file: string, source: string][] = [
  ['a lower room importing a higher one', 'rank', 'lib/wire/frame.ts', "import { a } from '../peers/manager.ts'"],
  ['a type from a higher room', 'rank', 'lib/wire/frame.ts', "import type { A } from '../peers/manager.ts'"],
  ['a re-export from a higher room', 'rank', 'lib/foundation/hex.ts', "export * from '../wire/frame.ts'"],
  ['an import() of a higher room', 'rank', 'lib/crypto/a.ts', "const a = () => import('../wire/frame.ts')"],
  ['a type written import() of a higher room', 'rank', 'lib/crypto/a.ts', "type A = import('../wire/frame.ts').A"],
  ['an augmentation of a higher room', 'rank', 'lib/crypto/a.ts', "declare module '../wire/frame.ts' { interface A { b: 1 } }"],
  ['contracts importing foundation', 'rank', 'lib/contracts/clock.ts', "import type { A } from '../foundation/clock.ts'"],
  ['lib importing its own front door', 'rank', 'lib/coordinator/a.ts', "import { a } from '../index.ts'"],
  ['a front door importing the testing room', 'rank', 'lib/index.ts', "export * from './testing/index.ts'"],
  ['crypto importing foundation', 'same rank', 'lib/crypto/a.ts', "import { toHex } from '../foundation/hex.ts'"],
  ['peers importing transports', 'same rank', 'lib/peers/a.ts', "import { a } from '../transports/memory.ts'"],
  ['testing importing node', 'same rank', 'lib/testing/a.ts', "import { a } from '../node/daemon.ts'"],
  ['peers importing a protocol', 'same rank', 'lib/peers/a.ts', "import { a } from '../protocols/dht/index.ts'"],
  ['a protocol importing another', 'protocol', 'lib/protocols/dht/handler.ts', "import { a } from '../gossip/index.ts'"],
  ['a protocol importing the wire', 'protocol', 'lib/protocols/dht/handler.ts', "import { a } from '../../wire/frame.ts'"],
  ['a protocol importing transports', 'protocol', 'lib/protocols/dht/handler.ts', "import type { A } from '../../transports/memory.ts'"],
  ['a value from outside in contracts', 'contracts are types', 'lib/contracts/a.ts', "import Type from 'typebox'"],
  ['an inline type import, which still loads the module, in contracts', 'contracts are types', 'lib/contracts/a.ts', "import { type TSchema } from 'typebox'"],
  ['noble outside crypto', 'door', 'lib/wire/a.ts', "import { sha256 } from '@noble/hashes/sha2.js'"],
  ['tiny-secp256k1 outside crypto', 'door', 'lib/index.ts', "const a = () => import('tiny-secp256k1')"],
  ['secp256k1 outside crypto', 'door', 'lib/peers/a.ts', "import { a } from 'secp256k1/bindings'"],
  ['node:crypto outside crypto, even in a Node file', 'door', 'lib/peers/key.node.ts', "import { createHash } from 'node:crypto'"],
  ['@scure outside bitcoin', 'door', 'lib/protocols/musig2/a.ts', "import { p2tr } from '@scure/btc-signer'"],
  ['ws outside transports', 'door', 'lib/testing/a.ts', "import { WebSocket } from 'ws'"],
  ['a Node module in a file for browsers', 'door', 'lib/transports/memory.ts', "import { once } from 'node:events'"],
  ['an import of the tests', 'outside', 'lib/testing/a.ts', "import { a } from '../../test/support/architecture.ts'"],
  ['a folder that is no room', 'unknown room', 'lib/utils/a.ts', "import { a } from 'cborg'"],
  ['an import of a folder that is no room', 'unknown room', 'lib/wire/a.ts', "import { a } from '../helpers/a.ts'"],
  ['a file beside the protocols', 'unknown room', 'lib/protocols/shared.ts', "import { a } from 'cborg'"],
]

for (const [name, rule, file, source] of planted) {
  rules(`${name} breaks "${rule}"`, () => assert.equal(found({ [file]: source }), [`${rule}: ${file}`]))
}

rules('a message names the file, the import and the reason', () => {
  const [violation] = importViolations(new Map([['lib/wire/frame.ts', "import { a } from '../peers/manager.ts'"]]))
  assert.is(violation?.text, 'lib/wire/frame.ts imports "../peers/manager.ts": wire has rank 2 and peers rank 3; a room imports only lower ranks')
})

rules('values in a circle break "circle", wherever they are', () => {
  assert.equal(found({
    'lib/wire/a.ts': "import { b } from './b.ts'",
    'lib/wire/b.ts': "export { c } from './c.ts'",
    'lib/wire/c.ts': "import { a } from './a.ts'",
  }), ['circle: lib/wire/a.ts'])
  assert.equal(found({ 'lib/contracts/a.ts': "import { b } from './b.ts'", 'lib/contracts/b.ts': "import { a } from './a.ts'" }), ['circle: lib/contracts/a.ts'])
})

rules('types may go in circles inside contracts, and nowhere else', () => {
  const circle = (room: string): Record<string, string> => ({ [`lib/${room}/a.ts`]: "import type { B } from './b.ts'", [`lib/${room}/b.ts`]: "import type { A } from './a.ts'" })
  assert.equal(found(circle('contracts')), [])
  assert.equal(found(circle('wire')), ['circle: lib/wire/a.ts'])
})

rules('two ways to one file are not a circle', () => {
  assert.equal(found({
    'lib/wire/a.ts': "import { b } from './b.ts'\nimport { c } from './c.ts'",
    'lib/wire/b.ts': "import { c } from './c.ts'",
    'lib/wire/c.ts': '',
  }), [])
})

rules('a long file breaks "length" unless excused, and an excuse goes when it is not needed', () => {
  const sources = new Map([['lib/a.ts', 'x\n'.repeat(5)], ['lib/b.ts', 'x\n'.repeat(4)]])
  const files = (excused: Record<string, string>): string[] => lengthViolations(sources, 4, excused).map(({ file }) => file)
  assert.equal(files({}), ['lib/a.ts'])
  assert.equal(files({ 'lib/a.ts': 'a table' }), [])
  assert.equal(files({ 'lib/a.ts': 'a table', 'lib/b.ts': 'once long' }), ['lib/b.ts'])
})

rules('what an entry loads follows values, not types and not import()', () => {
  const sources = new Map(Object.entries({
    'lib/core.ts': "export * from './wire/a.ts'\nimport type { T } from 'typebox'\nconst ws = () => import('ws')",
    'lib/wire/a.ts': "import { encode } from 'cborg'\nimport './b.ts'",
    'lib/wire/b.ts': "import { once } from 'node:events'\nimport './a.ts'",
  }))
  assert.equal([...loadedBy(sources, 'lib/core.ts')], [['cborg', 'lib/wire/a.ts'], ['node:events', 'lib/wire/b.ts']])
})

rules('imports in comments and strings are not imports', () => {
  assert.equal(importsOf('a.ts', "// import 'ws'\nconst text = \"import 'ws'\"\nimport './real.ts'"), [{ specifier: './real.ts', typeOnly: false, dynamic: false }])
})

rules.run()
