import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openStage, type Stage } from './stage.ts'
import type { Client } from './client.ts'
import { concat, EMPTY, flipped, unhex, until } from './second/bytes.ts'
import { newKeyPair, newStaticKey } from './second/keys.ts'
import { sealEnvelope } from './second/noise.ts'
import { Author } from './second/wire.ts'
import type { IProtocolHandler, P2PError, P2PMessage, PeerInfo, ProtocolContext } from '../../lib/index.ts'

const envelopes = suite('hostile envelopes')

const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size))

/** A relaying plugin that trusts nobody: whatever bytes it is brought it hands to the intake. */
class Carrier implements IProtocolHandler {
  readonly protocolName = 'carrier'
  readonly refused: string[] = []
  delivered = 0
  #context: ProtocolContext | undefined

  onRegister(context: ProtocolContext): void {
    this.#context = context
  }

  async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    try {
      await this.#context!.deliver(message.payload as Uint8Array, from)
      this.delivered++
    } catch (error) {
      this.refused.push((error as P2PError).code)
    }
  }
}

interface Scene { stage: Stage; carrier: Carrier; client: Client; bob: Uint8Array; dave: Author; bring(bytes: Uint8Array): void }

async function scene(): Promise<Scene & AsyncDisposable> {
  const stage = await openStage()
  const carrier = new Carrier()
  stage.bob.registerProtocol(carrier)
  const client = await stage.mallory()
  return {
    stage, carrier, client, bob: unhex(stage.bob.id), dave: new Author(newStaticKey()),
    bring: bytes => void client.say(bytes, { protocol: 'carrier' }),
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  }
}

envelopes('a signed message inside is its author\'s, whoever brings it, once', async () => {
  await using at = await scene()
  const { stage, carrier, bob, dave, bring, client } = at
  const frame = dave.signed(dave.say('in an envelope', { to: bob }))
  bring(sealEnvelope(bob, frame))
  await until(() => stage.heard.length === 1, 'it is heard')
  assert.is(stage.heard[0]!.from, dave.id)
  assert.is(stage.heard[0]!.message.via, client.id)

  const burst = dave.burst([dave.say('b0'), dave.say('b1')])
  bring(sealEnvelope(bob, burst.alone[1]!))
  await until(() => stage.heard.length === 2, 'one of a burst likewise')

  const envelope = sealEnvelope(bob, frame)
  bring(envelope)
  bring(envelope)
  bring(frame)
  await until(() => carrier.refused.length === 3, 'the same again, in a new envelope, twice, or in none, is refused')
  assert.equal([...new Set(carrier.refused)], ['ERR_WIRE_REPLAYED'])
  assert.is(stage.heard.length, 2)
  await stage.aliceIsFine()
})

envelopes('one that is changed, cut, sealed to another key, or never was one opens nothing', async () => {
  await using at = await scene()
  const { stage, carrier, bob, dave, bring } = at
  const good = sealEnvelope(bob, dave.signed(dave.say('x', { to: bob })))
  const bad: Record<string, [Uint8Array, string]> = {
    'a bit of the point': [flipped(good, 20), 'ERR_WIRE_MALFORMED or ERR_WIRE_WRONG_RECIPIENT'],
    'the point negated': [flipped(good, 1), 'ERR_WIRE_WRONG_RECIPIENT'],
    'a point off the curve': [concat(good.subarray(0, 2), new Uint8Array(32).fill(255), good.subarray(34)), 'ERR_WIRE_MALFORMED'],
    'a bit of what is sealed': [flipped(good, 60), 'ERR_WIRE_WRONG_RECIPIENT'],
    'a bit of the tag': [flipped(good, good.length - 1), 'ERR_WIRE_WRONG_RECIPIENT'],
    'cut': [good.subarray(0, good.length - 1), 'ERR_WIRE_WRONG_RECIPIENT'],
    'longer': [concat(good, Uint8Array.of(0)), 'ERR_WIRE_WRONG_RECIPIENT'],
    'nothing but a head': [good.subarray(0, 34), 'ERR_WIRE_MALFORMED'],
    'one byte': [Uint8Array.of(0x80), 'ERR_WIRE_MALFORMED'],
    'to alice': [sealEnvelope(unhex(stage.alice.id), dave.signed(dave.say('x'))), 'ERR_WIRE_WRONG_RECIPIENT'],
    'to bob, told as alice\'s': [sealEnvelope(bob, dave.signed(dave.say('x')), { claimed: unhex(stage.alice.id) }), 'ERR_WIRE_WRONG_RECIPIENT'],
    'random': [concat(Uint8Array.of(0x80), newKeyPair().point, random(200)), 'ERR_WIRE_WRONG_RECIPIENT'],
    'no envelope and no frame': [random(200).fill(0x81, 0, 1), 'ERR_WIRE_WRONG_VERSION'],
    'no bytes': [EMPTY, 'ERR_WIRE_MALFORMED'],
  }
  let sent = 0
  for (const [name, [bytes, code]] of Object.entries(bad)) {
    bring(bytes)
    sent++
    await until(() => carrier.refused.length === sent, `${name} is refused`)
    assert.ok(code.split(' or ').includes(carrier.refused.at(-1)!), `${name}: ${carrier.refused.at(-1)}, expected ${code}`)
  }
  assert.equal(stage.heard, [])
  assert.is(carrier.delivered, 0)
  await stage.aliceIsFine()
})

envelopes('what is inside has to be signed, by its author, for us, now, and a frame', async () => {
  await using at = await scene()
  const { stage, carrier, client, bob, dave, bring } = at
  const { author } = client
  const inside: Record<string, [Uint8Array, string]> = {
    'unsigned, by another': [dave.plain(dave.say(1)), 'ERR_WIRE_WEAK_AUTH'],
    'unsigned, by who brings it': [author.plain(author.say({ n: 1 }, { protocol: 'probe', type: 'hop' })), 'ERR_WIRE_WEAK_AUTH'],
    'signed by another': [concat(dave.signed(dave.say(1)).subarray(0, 2), unhex(stage.alice.id), dave.signed(dave.say(1)).subarray(34)), 'ERR_WIRE_BAD_SIGNATURE'],
    'for alice': [dave.signed(dave.say(1, { to: unhex(stage.alice.id) })), 'ERR_WIRE_WRONG_RECIPIENT'],
    'old': [dave.signed(dave.say(1, { timestamp: Date.now() - 200_000 })), 'ERR_WIRE_STALE'],
    'early': [dave.signed(dave.say(1, { timestamp: Date.now() + 60_000 })), 'ERR_WIRE_FUTURE'],
    'of another network': [new Author(newStaticKey(), 'elsewhere').signed(new Author(newStaticKey(), 'elsewhere').say(1)), 'ERR_WIRE_BAD_SIGNATURE or ERR_WIRE_WRONG_NETWORK'],
    'another envelope': [sealEnvelope(bob, dave.signed(dave.say(1))), 'ERR_WIRE_WRONG_VERSION'],
    'junk': [random(100).fill(1, 0, 2), 'ERR_WIRE_MALFORMED or ERR_WIRE_BAD_SIGNATURE'],
    'nothing': [EMPTY, 'ERR_WIRE_MALFORMED'],
  }
  let sent = 0
  for (const [name, [frame, code]] of Object.entries(inside)) {
    bring(sealEnvelope(bob, frame))
    sent++
    await until(() => carrier.refused.length === sent, `${name} is refused`)
    assert.ok(code.split(' or ').includes(carrier.refused.at(-1)!), `${name}: ${carrier.refused.at(-1)}, expected ${code}`)
  }
  assert.equal(stage.heard, [])
  assert.equal(stage.callsOf(client.id), [])
  await stage.aliceIsFine()
})

envelopes.run()
