import { readFileSync } from 'node:fs'
import { Address, NETWORK, OutScript, WIF } from '@scure/btc-signer'
import { RawWitness } from '@scure/btc-signer/script.js'
import { hash160, sha256x2, signECDSA, taprootTweakPrivKey } from '@scure/btc-signer/utils.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { messageHash, toSign, toSpend, verifySimple } from '../../lib/bitcoin/bip322.ts'
import { kindOf } from '../../lib/bitcoin/coinjoin-amounts.ts'
import { compactFromDer } from '../../lib/bitcoin/der.ts'
import { scriptCode } from '../../lib/bitcoin/witness.ts'
import { createNobleBackend } from '../../lib/crypto/noble.ts'
import { utf8 } from '../../lib/foundation/bytes.ts'
import { toHex } from '../../lib/foundation/hex.ts'

interface Row { message: string; private_keys: string[]; address: string; type: string; bip322_signatures: string[] }
interface HashRow { message: string; address: string; message_hash: string; to_spend_tx_hash: string; to_sign_tx_hash: string }
const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(`../vectors/bip322/${name}.json`, import.meta.url), 'utf8')) as T
const basic = load<{ tx_hashes: HashRow[]; simple: Row[] }>('basic-test-vectors')
const generated = load<{ simple: Row[]; error?: unknown }>('generated-test-vectors')

const crypto = createNobleBackend()
const scriptOf = (address: string): Uint8Array => OutScript.encode(Address(NETWORK).decode(address))
const witnessOf = (signature: string): Uint8Array[] => [...RawWitness.decode(Uint8Array.from(Buffer.from(signature.replace(/^smp/, ''), 'base64')))]
const txid = (raw: Uint8Array): string => toHex(sha256x2(raw).reverse())

const bip322 = suite('BIP322, simple signatures of P2WPKH and P2TR')
const ours = [...basic.simple, ...generated.simple].filter(({ type }) => type === 'p2wpkh' || type === 'p2tr')

bip322('message hashes and both transactions are those of the vectors', () => {
  assert.ok(basic.tx_hashes.length >= 3)
  for (const row of basic.tx_hashes) {
    const [message, script] = [utf8(row.message), scriptOf(row.address)]
    assert.is(toHex(messageHash(crypto, message)), row.message_hash)
    assert.is(txid(toSpend(crypto, message, script)), row.to_spend_tx_hash)
    assert.is(txid(toSign(crypto, message, script).unsignedTx), row.to_sign_tx_hash)
  }
})

bip322('every signature of the vectors under our two kinds of script holds, for its own message and script alone', () => {
  assert.ok(ours.some(({ type }) => type === 'p2tr') && ours.some(({ type }) => type === 'p2wpkh'))
  for (const { message, address, bip322_signatures: signatures } of ours) for (const signature of signatures) {
    const witness = witnessOf(signature)
    // BIP322 also allows 65 bytes with a hash type; rounds take 64.
    if (witness.length === 1 && witness[0]!.length !== 64) continue
    const script = scriptOf(address)
    assert.ok(verifySimple(crypto, utf8(message), script, witness), `${address}: ${message}`)
    assert.not.ok(verifySimple(crypto, utf8(`${message}!`), script, witness))
    const other = ours.find(row => row.address !== address)!
    assert.not.ok(verifySimple(crypto, utf8(message), scriptOf(other.address), witness))
  }
})

bip322('other kinds of script are refused, whatever their witness', () => {
  const others = [...basic.simple, ...generated.simple].filter(({ type }) => type !== 'p2wpkh' && type !== 'p2tr')
  assert.ok(others.length > 0)
  for (const { message, address, bip322_signatures: [signature] } of others) {
    const script = scriptOf(address)
    assert.is(kindOf(script), null)
    assert.not.ok(verifySimple(crypto, utf8(message), script, witnessOf(signature!)))
  }
})

bip322('what we sign with the vectors\' keys is taken, and is the vectors\' own low-R signature', () => {
  const row = basic.simple.find(({ type }) => type === 'p2wpkh')!
  const secret = WIF(NETWORK).decode(row.private_keys[0]!)
  const script = scriptOf(row.address)
  const digest = toSign(crypto, utf8(row.message), script).preimageWitnessV0(0, scriptCode(script), 1, 0n)
  const witness = [Uint8Array.of(...signECDSA(digest, secret, true), 1), crypto.publicKeyOf(secret)]
  assert.equal(hash160(witness[1]!), script.slice(2))
  assert.ok(verifySimple(crypto, utf8(row.message), script, witness))
  const taproot = ours.find(({ type }) => type === 'p2tr')!
  const key = taprootTweakPrivKey(WIF(NETWORK).decode(taproot.private_keys[0]!))
  const to = toSign(crypto, utf8('hello'), scriptOf(taproot.address))
  const signature = crypto.sign(to.preimageWitnessV1(0, [scriptOf(taproot.address)], 0, [0n]), key, new Uint8Array(32))
  assert.ok(verifySimple(crypto, utf8('hello'), scriptOf(taproot.address), [signature]))
})

bip322('a witness with anything more, less or else is refused', () => {
  const row = basic.simple.find(({ type }) => type === 'p2wpkh')!
  const [message, script] = [utf8(row.message), scriptOf(row.address)]
  const [signature, key] = witnessOf(row.bip322_signatures[0]!)
  const changed = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
  for (const bad of [[], [signature!], [signature!, key!, key!], [changed(signature!, 20), key!], [changed(signature!, signature!.length - 1), key!], [signature!, changed(key!, 3)], [signature!.subarray(1), key!], [new Uint8Array(0), key!]]) {
    assert.not.ok(verifySimple(crypto, message, script, bad))
  }
})

bip322('only strict DER is read', () => {
  const good = Uint8Array.from([0x30, 6, 2, 1, 5, 2, 1, 7])
  assert.equal([...compactFromDer(good)!].filter(Boolean), [5, 7])
  for (const bad of [
    [0x31, 6, 2, 1, 5, 2, 1, 7], [0x30, 7, 2, 1, 5, 2, 1, 7], [0x30, 6, 2, 1, 0x85, 2, 1, 7], [0x30, 7, 2, 2, 0, 5, 2, 1, 7], [0x30, 6, 3, 1, 5, 2, 1, 7],
    [0x30, 6, 2, 0, 2, 2, 1, 7], [0x30, 7, 2, 1, 5, 2, 1, 7, 0], [0x30, 6, 2, 9, 5, 2, 1, 7], [],
  ]) assert.is(compactFromDer(Uint8Array.from(bad)), null, String(bad))
})

bip322.run()
