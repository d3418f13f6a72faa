import { join } from 'node:path'
import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const root = join(import.meta.dirname, '..')
const full = new ESLint({ cwd: root })
/** Without types ESLint takes milliseconds and the file need not exist: enough for bans on names. */
const quick = new ESLint({ cwd: root, overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }] as ESLint.Options['overrideConfig'] })

async function complaints(eslint: ESLint, file: string, source: string): Promise<{ rule: string | null; message: string }[]> {
  const [result] = await eslint.lintText(source, { filePath: join(root, file) })
  return (result?.messages ?? []).map(({ ruleId, message }) => ({ rule: ruleId, message }))
}

const lint = suite('lint')

const TIME = /take an IClock/
const RANDOMNESS = /take a RandomBytes/
const PROCESS = /take what you need as an option/
const CONSOLE = /take an ILogger/
const NODE = /in a file named \*\.node\.ts or in lib\/node/
const PREFIX = /with their "node:" prefix/
const CURVES = /import the operation from lib\/crypto/
const SOCKETS = /take an ITransport/
const COINS = /import the operation from lib\/bitcoin/
const BARE_NAMES = /by their bare names/

const banned: [file: string, source: string, message: RegExp][] = [
  ['lib/wire/a.ts', 'export const now = Date.now()', TIME],
  ['lib/wire/a.ts', 'export const { now } = Date', TIME],
  ['lib/wire/a.ts', 'export const now = globalThis.Date.now()', BARE_NAMES],
  ['lib/wire/a.ts', 'export const now = new Date()', TIME],
  ['lib/wire/a.ts', 'export const now = Date()', TIME],
  ['lib/wire/a.ts', 'export const now = performance.now()', TIME],
  ['lib/wire/a.ts', 'setTimeout(run, 1)', TIME],
  ['lib/wire/a.ts', 'globalThis.setTimeout(run, 1)', TIME],
  ['lib/wire/a.ts', 'setInterval(run, 1)', TIME],
  ['lib/wire/a.ts', 'setImmediate(run)', TIME],
  ['lib/wire/a.ts', 'export const signal = AbortSignal.timeout(1)', TIME],
  ['lib/wire/a.ts', 'export const chance = Math.random()', RANDOMNESS],
  ['lib/wire/a.ts', 'export const id = crypto.randomUUID()', RANDOMNESS],
  ['lib/wire/a.ts', 'globalThis.crypto.getRandomValues(bytes)', RANDOMNESS],
  ['lib/crypto/a.ts', "import { randomBytes } from 'node:crypto'", RANDOMNESS],
  ['lib/crypto/a.ts', 'export const secret = utils.randomSecretKey()', RANDOMNESS],
  ['lib/wire/a.ts', 'export const home = process.env.HOME', PROCESS],
  ['lib/foundation/a.ts', 'export const home = process.env.HOME', PROCESS],
  ['lib/transports/a.node.ts', 'process.exit(1)', PROCESS],
  ['lib/wire/a.ts', "console.log('hello')", CONSOLE],
  ['lib/wire/a.ts', "export const bytes = Buffer.from('00', 'hex')", NODE],
  ['lib/wire/a.ts', "import { once } from 'node:events'", NODE],
  ['lib/wire/a.ts', "export const events = () => import('node:events')", NODE],
  ['lib/foundation/a.ts', "import { once } from 'node:events'", NODE],
  ['lib/node/a.ts', "import { readFile } from 'fs/promises'", PREFIX],
  ['lib/crypto/a.ts', "import { createHash } from 'crypto'", PREFIX],
  ['lib/wire/a.ts', "import { sha256 } from '@noble/hashes/sha2.js'", CURVES],
  ['lib/wire/a.ts', "import type { Hash } from '@noble/hashes/utils.js'", CURVES],
  ['lib/wire/a.ts', "export { sha256 } from '@noble/hashes/sha2.js'", CURVES],
  ['lib/wire/a.ts', "import * as curve from 'tiny-secp256k1'", CURVES],
  ['lib/wire/a.ts', "export const curve = () => import('tiny-secp256k1')", CURVES],
  ['lib/wire/a.ts', "export const hashes = () => import('@noble/hashes/sha2.js')", CURVES],
  ['lib/peers/a.ts', "import { verify } from 'secp256k1/bindings'", CURVES],
  ['lib/node/a.ts', "import { createHash } from 'node:crypto'", CURVES],
  ['lib/transports/a.node.ts', "import { createHash } from 'node:crypto'", CURVES],
  ['lib/testing/a.ts', "import { WebSocket } from 'ws'", SOCKETS],
  ['lib/node/a.ts', "import { WebSocket } from 'ws'", SOCKETS],
  ['lib/wire/a.ts', "export const sockets = () => import('ws')", SOCKETS],
  ['lib/protocols/musig2/a.ts', "import { Session } from '@scure/btc-signer/musig2.js'", COINS],
  ['lib/protocols/musig2/a.ts', "export const session = () => import('@scure/btc-signer/musig2.js')", COINS],
  ['lib/transports/websocket.node.ts', 'setTimeout(run, 1)', TIME],
  ['lib/testing/simulator.ts', 'setTimeout(run, 1)', TIME],
  ['lib/wire/a.ts', "export const make = new Function('return 1')", /refuses code made from text/],
]

for (const [file, source, message] of banned) {
  lint(`${file} may not say: ${source}`, async () => {
    const found = await complaints(quick, file, source)
    assert.ok(found.some(complaint => message.test(complaint.message)), `expected ${message}, got ${JSON.stringify(found)}`)
  })
}

const allowed: [file: string, source: string][] = [
  ['lib/wire/a.ts', 'queueMicrotask(run)\nexport const day = new Date(0)\nexport const later = clock.now() + Math.max(1, 2)'],
  ['lib/wire/a.ts', "import { encode } from 'cborg'\nexport const one = encode(1)"],
  ['lib/foundation/clock.ts', 'export const now = Date.now() + performance.now()\nsetTimeout(run, 1)'],
  ['lib/foundation/random.ts', 'globalThis.crypto.getRandomValues(bytes)'],
  ['lib/foundation/logger.ts', 'console.log(1)'],
  ['lib/crypto/fast.ts', "import { sha256 } from '@noble/hashes/sha2.js'\nimport { createHash } from 'node:crypto'\nexport const all = [sha256, createHash, () => import('tiny-secp256k1')]"],
  ['lib/crypto/fast.node.ts', "import { createRequire } from 'node:module'\nexport const load = createRequire(import.meta.url)"],
  ['lib/bitcoin/psbt.ts', "import { Transaction } from '@scure/btc-signer'\nexport const tx = new Transaction()"],
  ['lib/transports/websocket.node.ts', "import { WebSocket } from 'ws'\nimport { createServer } from 'node:http'\nexport const all = [WebSocket, createServer, Buffer.alloc(1)]"],
  ['lib/testing/real-time.ts', 'setTimeout(run, Date.now())'],
  ['lib/node/daemon.ts', "import { readFile } from 'node:fs/promises'\nconsole.log(process.argv, readFile)\nsetTimeout(run, 1)"],
  ['test/wire/a.test.ts', "import { once } from 'node:events'\nconsole.log(Date.now(), once)"],
]

for (const [file, source] of allowed) {
  lint(`${file} may say: ${source.split('\n').join('; ')}`, async () => {
    assert.equal(await complaints(quick, file, source), [])
  })
}

// These need types, so the text is checked in place of a file that exists.
const typed: [rule: string, source: string][] = [
  ['no-floating-promises', 'async function work(): Promise<void> {}\nexport function start(): void { work() }'],
  ['no-misused-promises', 'export function start(run: (then: () => void) => void): void { run(async () => {}) }'],
  ['await-thenable', 'export async function start(): Promise<void> { await 1 }'],
  ['only-throw-error', "export function start(): void { throw 'text' }"],
  ['prefer-promise-reject-errors', "export const start = (): Promise<void> => Promise.reject('text')"],
  ['switch-exhaustiveness-check', "export function start(word: 'a' | 'b'): void { switch (word) { case 'a': return } }"],
  ['consistent-type-imports', "import { IClock } from '../contracts/clock.ts'\nexport type Mine = IClock"],
  ['no-unused-vars', 'const never = 1'],
]

for (const [rule, source] of typed) {
  lint(`@typescript-eslint/${rule} trips`, async () => {
    const found = await complaints(full, 'lib/foundation/clock.ts', source)
    assert.equal(found.map(complaint => complaint.rule), [`@typescript-eslint/${rule}`])
  })
}

lint('a clean source passes every rule', async () => {
  const source = "import type { IClock } from '../contracts/clock.ts'\n\nexport function ageMs(clock: IClock, since: number): number {\n  return clock.now() - since\n}\n"
  assert.equal(await complaints(full, 'lib/foundation/clock.ts', source), [])
})

lint('an excuse that excuses nothing is a failure', async () => {
  const found = await complaints(quick, 'lib/wire/a.ts', '// eslint-disable-next-line no-restricted-globals\nexport const one = 1')
  assert.is(found.length, 1)
})

lint.run()
