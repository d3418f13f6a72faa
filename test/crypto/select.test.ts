import * as tiny from 'tiny-secp256k1'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ErrorCode, P2PError } from '../../lib/contracts/errors.ts'
import { firstThatPasses, type Level } from '../../lib/crypto/choose.ts'
import { createNativeBackend } from '../../lib/crypto/native.node.ts'
import { createNobleBackend } from '../../lib/crypto/noble.ts'
import { nodeSymmetric } from '../../lib/crypto/node-symmetric.node.ts'
import { register } from '../../lib/crypto/registry.ts'
import * as browser from '../../lib/crypto/select.ts'
import * as node from '../../lib/crypto/select.node.ts'
import { createWasmBackend, useWasm } from '../../lib/crypto/wasm.ts'
import { noble } from './support/backends.ts'
import { fakeBindings } from './support/fake-bindings.ts'
import { everyPlanted } from './support/planted.ts'

async function refusal(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a rejection')
}

const ladder = suite('choosing a backend')

const wasm = createWasmBackend(tiny, noble)
const native = createNativeBackend(fakeBindings(), noble)
const rungs = { node: { label: 'node', load: () => native }, wasm: { label: 'wasm', load: () => wasm }, noble: { label: 'noble', load: () => noble } } satisfies Record<string, Level>

ladder('the first level that passes is taken, without a word', async () => {
  assert.equal(await firstThatPasses([rungs.node, rungs.wasm, rungs.noble]), { backend: native, notes: [] })
})

for (const { operation, how, backend } of everyPlanted(native)) {
  ladder(`native whose ${operation} answers with ${how} drops to WebAssembly and says so`, async () => {
    const { backend: chosen, notes } = await firstThatPasses([{ label: 'node', load: () => backend }, rungs.wasm, rungs.noble])
    assert.is(chosen, wasm)
    assert.equal(notes, [`crypto backend node failed its self-test at ${operation} and is not used`])
  })
}

for (const { operation, how, backend } of everyPlanted(wasm)) {
  ladder(`WebAssembly whose ${operation} answers with ${how} drops to noble and says so`, async () => {
    const { backend: chosen, notes } = await firstThatPasses([{ label: 'wasm', load: () => backend }, rungs.noble])
    assert.is(chosen, noble)
    assert.equal(notes, [`crypto backend wasm failed its self-test at ${operation} and is not used`])
  })
}

ladder('when noble fails too, nothing is used', async () => {
  const broken = { ...noble, verify: () => true }
  const error = await refusal(firstThatPasses([{ label: 'wasm', load: () => Promise.reject(new Error('no WebAssembly here')) }, { label: 'noble', load: () => broken }]))
  assert.instance(error, P2PError)
  assert.is((error as P2PError).code, ErrorCode.CRYPTO_SELF_TEST_FAILED)
  assert.match(error.message, /no WebAssembly here.*noble failed its self-test at verify/)
})

ladder('a level that is absent is passed over, with a word only where it has one', async () => {
  const absent = { label: 'node', load: () => null }
  assert.equal((await firstThatPasses([absent, rungs.noble])).notes, [])
  assert.equal((await firstThatPasses([{ ...absent, absent: 'not installed' }, rungs.noble])).notes, ['not installed'])
})

ladder.run()

const inNode = suite('choosing a backend in Node')

inNode('noble is all noble, and wasm is WebAssembly with node:crypto', async () => {
  const parts = async (name: node.BackendName): Promise<string[]> => {
    const { backend, notes } = await node.chooseBackend(name)
    return [backend.name, backend.curve, backend.symmetric, ...notes]
  }
  assert.equal(await parts('noble'), ['noble', 'noble', 'noble'])
  assert.equal(await parts('wasm'), ['wasm', 'wasm', 'node'])
})

inNode('auto and node are the addon where it is installed, else WebAssembly; node then says what is missing', async () => {
  const auto = await node.chooseBackend('auto')
  const asked = await node.chooseBackend('node')
  assert.is(auto.backend.name, asked.backend.name)
  assert.is(auto.backend.symmetric, 'node')
  assert.equal(auto.notes, [])
  if (asked.backend.name === 'wasm') assert.equal(asked.notes, ["the optional package 'secp256k1' is not installed"])
  else assert.equal([asked.backend.name, asked.backend.curve, asked.notes], ['node', 'native', []])
})

inNode('the base is at hand at once: the curve of noble, the rest of Node', () => {
  const base = node.baseBackend()
  assert.equal([base.name, base.curve, base.symmetric], ['noble', 'noble', 'node'])
  assert.is(node.baseBackend(), base)
})

inNode('where hashing or sealing of node:crypto is wrong, noble does it', () => {
  for (const { operation, backend } of everyPlanted(createNobleBackend(nodeSymmetric))) {
    const symmetric = ['sha256', 'hmacSha256', 'seal', 'open', 'stream'].includes(operation)
    assert.is(node.onSoundSymmetric(backend).symmetric, symmetric ? 'noble' : 'node', operation)
  }
})

inNode('asking twice tests once', async () => {
  assert.is(await node.chooseBackend('auto'), await node.chooseBackend('auto'))
})

inNode('another name is a RangeError', async () => {
  assert.instance(await refusal(node.chooseBackend('gpu' as 'auto')), RangeError)
})

inNode.run()

const inBrowser = suite('choosing a backend in a browser')

inBrowser.after.each(() => register(undefined))

inBrowser('auto is noble as long as nobody asked for WebAssembly', async () => {
  const { backend, notes } = await browser.chooseBackend('auto')
  assert.equal([backend.name, backend.curve, backend.symmetric, notes], ['noble', 'noble', 'noble', []])
  assert.is(browser.baseBackend(), backend)
})

inBrowser('after useWasm, auto and wasm are WebAssembly, and noble is still noble', async () => {
  await useWasm()
  assert.is((await browser.chooseBackend('auto')).backend.name, 'wasm')
  assert.is((await browser.chooseBackend('wasm')).backend.symmetric, 'noble')
  assert.is((await browser.chooseBackend('noble')).backend.name, 'noble')
})

inBrowser('useWasm takes a module that was loaded some other way; one that verifies anything is dropped', async () => {
  await useWasm(tiny)
  assert.equal((await browser.chooseBackend('auto')).notes, [])
  await useWasm({ ...tiny, verifySchnorr: () => true })
  for (const name of ['auto', 'wasm'] as const) {
    const { backend, notes } = await browser.chooseBackend(name)
    assert.is(backend.name, 'noble')
    assert.equal(notes, ['crypto backend wasm failed its self-test at verify and is not used'])
  }
})

inBrowser('what cannot be had there is a RangeError that says what to do', async () => {
  assert.match((await refusal(browser.chooseBackend('wasm'))).message, /peerweft\/crypto\/wasm/)
  assert.match((await refusal(browser.chooseBackend('node'))).message, /Node only/)
  for (const name of ['wasm', 'node', 'gpu'] as const) assert.instance(await refusal(browser.chooseBackend(name as 'auto')), RangeError)
})

inBrowser.run()
