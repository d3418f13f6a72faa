import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { chooseBackend } from '../../lib/crypto/select.node.ts'
import { createLocalNode, type LocalNode } from '../../lib/peers/local-node.ts'
import { openFedLink, residentMiB, StepClock, type FedLink } from './fed-link.ts'
import { concat, hex, readUint, uint } from './second/bytes.ts'
import { encode } from './second/cbor.ts'
import { newStaticKey, sha256, sign, type KeyPair } from './second/keys.ts'
import { Memory, Receiver, type Claimed, type Verdict } from './second/receiver.ts'
import {
  Auth, burstDigest, burstProof, closePart, fragmentsOf, frame, headerBytes, helloBytes, Kind, messageHash, part, pathOf, rootOf, wholeBurst, type Said,
} from './second/wire.ts'

/**
 * Sealed frames whose plaintext mallory has changed, at every level from the bits to the fields, read by lib's own
 * `Link` and, beside it, by the second reading of docs/wire.md: what lib takes, the page must let in, byte for byte
 * and once; what the page lets in, lib must take. All of it is decided by the seed.
 */
export interface FrameCampaign {
  frames: number
  seed: number
  /** 'stand-in': a keyed hash instead of BIP340, in `verify` alone. Hashes, seals and the rest are real in both. */
  signatures: 'stand-in' | 'real'
  /** Told now and then how far it is. */
  progress?: (done: number) => void
}

export interface FrameCampaignResult {
  frames: number
  /** Messages that lib took and the page does not let in: must be none. */
  accepted: number
  /** Messages that the page lets in and lib did not take: must be none. */
  missed: number
  /** Exceptions of another kind than a refusal, and links that neither went on nor ended: must be none. */
  crashed: number
  /** Messages that both took: the ones mallory left alone, and words that only her link vouches for. */
  taken: number
  /** Links, each ended by a close part, a frame that does not open, or age. */
  links: number
  /** Resident memory after collection, at a tenth of the way and at the end. */
  rssStartMiB: number
  rssEndMiB: number
  /** The first that went wrong: seed, number, mutation, and the plaintext in hex. */
  firstFault: string | undefined
}

const NETWORK = 'test'
/** Virtual time between two frames: the memory of what was seen then turns over many times in a campaign. */
const STEP_MS = 40
/** A link sees so many frames at most, so that new ones are common, and some are old enough to rotate their keys. */
const FRAMES_PER_LINK = 2_500
/** One frame in so many is changed after it was sealed. */
const CIPHERTEXT_SHARE = 200
/** A message is used for so many frames, changed in each. */
const USES_PER_MESSAGE = 12

type Random = () => number

/** Numbers in [0, 1) by mulberry32: quick, and the same for the same seed. */
export function quickRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const below = (random: Random, count: number): number => Math.floor(random() * count)
const oneOf = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)]!
const bytesOf = (random: Random, size: number): Uint8Array => Uint8Array.from({ length: size }, () => below(random, 256))

// What is said, by three people who all write by mallory's hand.

interface Person { key: KeyPair; x: Uint8Array; boot: Uint8Array }

/** A message with everything that can be done with it. */
interface Spoken extends Said {
  by: Person
  fields: readonly unknown[]
  value: unknown
  hash: Uint8Array
}

type Signer = (person: Person, digest: Uint8Array) => Uint8Array

export function standInSignature(author: Uint8Array, digest: Uint8Array): Uint8Array {
  return concat(sha256(author, digest), sha256(digest, author))
}

/** The backend with the stand-in for BIP340 verification, and all else as it is. */
export function withStandIn(backend: ICryptoBackend): ICryptoBackend {
  return { ...backend, verify: (signature, digest, author) => signature.length === 64 && Buffer.compare(signature, standInSignature(author, digest)) === 0 }
}

class Scribe {
  readonly random: Random
  readonly clock: StepClock
  readonly people: Person[]
  readonly target: Uint8Array
  readonly #sign: Signer
  #count = 0

  constructor(random: Random, clock: StepClock, people: Person[], target: Uint8Array, sign: Signer) {
    this.random = random
    this.clock = clock
    this.people = people
    this.target = target
    this.#sign = sign
  }

  speak(by: Person, type: string): Spoken {
    const { random, clock } = this
    const fields = [
      NETWORK, oneOf(random, ['p', 'p', null]), type, oneOf(random, [null, this.target]), clock.now() - below(random, 1_000), by.boot,
      `m${this.#count++}`, oneOf(random, [null, null, 'm1']), oneOf(random, [null, null, null, `slot ${below(random, 5)}`]), bytesOf(random, 16),
    ]
    if (type === 'hop') fields[1] = 'p'
    const value = this.#value()
    const [network, protocol, kind, to, timestamp, boot, messageId, inReplyTo, slot, salt] = fields
    const header = headerBytes({ network, protocol, type: kind, to, timestamp, boot, messageId, inReplyTo, slot, salt })
    const payload = encode(value)
    return { by, fields, value, header, payload, hash: messageHash(by.x, header, payload) }
  }

  signed({ by, header, payload, hash }: Spoken): Uint8Array {
    return frame({ auth: Auth.SIGNATURE, author: by.x, proof: this.#sign(by, hash), header, payload })
  }

  burst(messages: readonly Spoken[]): { whole: Uint8Array; alone: Uint8Array[] } {
    const { by } = messages[0]!
    const hashes = messages.map(message => message.hash)
    const signature = this.#sign(by, burstDigest(NETWORK, messages.length, rootOf(hashes)))
    return {
      whole: wholeBurst(by.x, signature, messages),
      alone: messages.map(({ header, payload }, index) =>
        frame({ auth: Auth.BURST, author: by.x, proof: burstProof(signature, messages.length, index, pathOf(index, hashes)), header, payload })),
    }
  }

  hello(): Uint8Array {
    return helloBytes({ boot: this.people[0]!.boot, timestamp: this.clock.now(), addresses: ['ws://mallory.example:1'], protocols: [['p', 1]] })
  }

  #value(depth = 0): unknown {
    const { random } = this
    switch (below(random, depth > 3 ? 7 : 10)) {
      case 0: return below(random, 1_000)
      case 1: return -below(random, 100_000)
      case 2: return oneOf(random, [true, false, null, undefined])
      case 3: return 'ä'.repeat(below(random, 12))
      case 4: return bytesOf(random, below(random, 40))
      case 5: return random() * 1_000
      case 6: return 2n ** 60n + BigInt(below(random, 9))
      case 7: case 8: return Array.from({ length: below(random, 5) }, () => this.#value(depth + 1))
      default: return Object.fromEntries(Array.from({ length: below(random, 4) }, (_, n) => [`k${n}`, this.#value(depth + 1)]))
    }
  }
}

/** What mallory has in her hands: whole things, to send or to change. */
interface Stock {
  frames: Uint8Array[]
  bursts: Uint8Array[]
  /** What has been sent, to be sent again. */
  sent: Uint8Array[]
}

function restock(scribe: Scribe): Stock {
  const { random, people } = scribe
  const frames: Uint8Array[] = []
  const bursts: Uint8Array[] = []
  for (const by of people) {
    for (let n = 0; n < 4; n++) frames.push(scribe.signed(scribe.speak(by, 'note')))
    for (let n = 0; n < 2; n++) {
      const { whole, alone } = scribe.burst(Array.from({ length: 2 + below(random, 5) }, () => scribe.speak(by, 'note')))
      if (n === 0) bursts.push(whole)
      else frames.push(...alone)
    }
  }
  return { frames, bursts, sent: [] }
}

function plainFrame(scribe: Scribe): Uint8Array {
  const { random, people } = scribe
  const { header, payload } = scribe.speak(people[0]!, random() < 0.9 ? 'hop' : 'note')
  return frame({ auth: Auth.CHANNEL, author: (random() < 0.9 ? people[0]! : people[1]!).x, header, payload })
}

// Mutations, from the field down to the bit.

type Mutate = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array

const INTERESTING = [0, 1, 2, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x20, 0x40, 0x60, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xdf, 0xf4, 0xf6, 0xf7, 0xf8, 0xf9, 0xfb, 0xff]

const BYTES: Record<string, Mutate> = {
  'a bit turned': (bytes, random) => edit(bytes, random, byte => byte ^ (1 << below(random, 8))),
  'a byte set': (bytes, random) => edit(bytes, random, () => below(random, 256)),
  'a telling byte set': (bytes, random) => edit(bytes, random, () => oneOf(random, INTERESTING)),
  'a byte one more or less': (bytes, random) => edit(bytes, random, byte => byte + (random() < 0.5 ? 1 : 255)),
  'many bits turned': (bytes, random) => {
    let changed = bytes
    for (let n = 0; n < 2 + below(random, 8); n++) changed = edit(changed, random, byte => byte ^ (1 << below(random, 8)))
    return changed
  },
  'cut short': (bytes, random) => bytes.subarray(0, below(random, bytes.length + 1)),
  'its head cut off': (bytes, random) => bytes.subarray(below(random, bytes.length + 1)),
  'made longer': (bytes, random) => concat(bytes, bytesOf(random, 1 + below(random, 30))),
  'a piece left out': (bytes, random) => {
    const at = below(random, bytes.length)
    return concat(bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 40)))
  },
  'a piece twice': (bytes, random) => {
    const at = below(random, bytes.length)
    const end = at + 1 + below(random, 40)
    return concat(bytes.subarray(0, end), bytes.subarray(at))
  },
  'a piece of another': (bytes, random, other) => {
    const at = below(random, bytes.length)
    const from = below(random, other.length)
    const size = 1 + below(random, 64)
    return concat(bytes.subarray(0, at), other.subarray(from, from + size), bytes.subarray(at + size))
  },
  'its end from another': (bytes, random, other) => {
    const at = below(random, bytes.length)
    return concat(bytes.subarray(0, at), other.subarray(Math.min(other.length, at)))
  },
  'junk put in': (bytes, random) => {
    const at = below(random, bytes.length + 1)
    return concat(bytes.subarray(0, at), bytesOf(random, 1 + below(random, 8)), bytes.subarray(at))
  },
  'zeros': (bytes, random) => {
    const at = below(random, bytes.length)
    return concat(bytes.subarray(0, at), new Uint8Array(Math.min(bytes.length - at, 1 + below(random, 64))), bytes.subarray(at + 64))
  },
}
const byteMutations = Object.entries(BYTES)

function edit(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(change(0) & 255)
  const copy = bytes.slice()
  const at = below(random, copy.length)
  copy[at] = change(copy[at]!)
  return copy
}

interface Mutated { plaintext: Uint8Array; how: string }

/** One plaintext, changed somewhere between its bits and its meaning; sometimes not at all. */
function nextPlaintext(scribe: Scribe, stock: Stock): Mutated {
  const { random } = scribe
  const bodies = Array.from({ length: 1 + below(random, 3) }, () => nextPart(scribe, stock))
  const plaintext = concat(...bodies.map(each => each.bytes))
  const how = bodies.map(each => each.how).join(' + ')
  const dice = random()
  if (dice < 0.25) {
    const [name, mutate] = oneOf(random, byteMutations)
    return { plaintext: mutate(plaintext, random, oneOf(random, stock.frames)), how: `plaintext: ${name} (${how})` }
  }
  if (dice < 0.33) return { plaintext: lied(plaintext, random), how: `a part's length lies (${how})` }
  if (dice < 0.36 && stock.sent.length > 0) return { plaintext: oneOf(random, stock.sent), how: 'an earlier plaintext' }
  return { plaintext, how }
}

/** The head of one part says something else. */
function lied(plaintext: Uint8Array, random: Random): Uint8Array {
  if (plaintext.length < 5) return plaintext
  const copy = plaintext.slice()
  const size = readUint(copy, 1, 4)
  const lies = [0, 1, size - 1, size + 1, copy.length, copy.length - 5, 0xffffffff, 0x7fffffff, below(random, 2 * copy.length + 1)]
  if (random() < 0.3) copy[0] = oneOf(random, [0, 1, 2, 3, 4, 0x0f, 0x10, 0x11, 0x12, 0x14, 0x7f, 0x80, 0xff])
  else copy.set(uint(Math.max(0, oneOf(random, lies)), 4), 1)
  return copy
}

function nextPart(scribe: Scribe, stock: Stock): { bytes: Uint8Array; how: string } {
  const { random } = scribe
  const dice = random()
  if (dice < 0.45) {
    const { bytes, how } = changedFrame(scribe, stock, oneOf(random, stock.frames))
    return { bytes: part(Kind.MESSAGE, bytes), how }
  }
  if (dice < 0.65) {
    const { bytes, how } = changedFrame(scribe, stock, plainFrame(scribe))
    return { bytes: part(Kind.MESSAGE, bytes), how: `by the link, ${how}` }
  }
  if (dice < 0.78) {
    const burst = oneOf(random, stock.bursts)
    const [name, mutate] = oneOf(random, byteMutations)
    if (random() < 0.1) return { bytes: part(Kind.BURST, burst), how: 'a whole burst as it is' }
    if (random() < 0.3) return { bytes: part(Kind.BURST, shuffled(burst, random)), how: 'a whole burst shuffled' }
    return { bytes: part(Kind.BURST, mutate(burst, random, oneOf(random, stock.bursts))), how: `whole burst: ${name}` }
  }
  if (dice < 0.9) {
    const { bytes, how } = random() < 0.5 ? { bytes: oneOf(random, stock.frames), how: 'as it is' } : changedFrame(scribe, stock, oneOf(random, stock.frames))
    const pieces = fragmentsOf(bytes, below(random, 4), 40 + below(random, 150))
    if (pieces.length === 0 || random() < 0.5) return { bytes: concat(...pieces), how: `fragments of a frame ${how}` }
    const index = below(random, pieces.length)
    const [name, mutate] = oneOf(random, byteMutations)
    const change = below(random, 4)
    if (change === 0) pieces.splice(index, 1)
    else if (change === 1) pieces.splice(index, 0, pieces[index]!)
    else if (change === 2) pieces.reverse()
    else pieces[index] = part(Kind.FRAGMENT, mutate(pieces[index]!.subarray(5), random, oneOf(random, stock.frames)))
    return { bytes: concat(...pieces), how: `fragments of a frame ${how}, changed (${['one left out', 'one twice', 'backwards', name][change]})` }
  }
  if (dice < 0.93) {
    const body = scribe.hello()
    const [name, mutate] = oneOf(random, byteMutations)
    return random() < 0.2 ? { bytes: part(Kind.HELLO, body), how: 'hello' } : { bytes: part(Kind.HELLO, mutate(body, random, body)), how: `hello: ${name}` }
  }
  if (dice < 0.98) return { bytes: part(oneOf(random, [Kind.PING, Kind.PONG, 0x80, 0xc1]), bytesOf(random, random() < 0.9 ? 8 : below(random, 12))), how: 'ping, pong or another' }
  return { bytes: random() < 0.3 ? closePart(below(random, 9)) : part(Kind.CLOSE, bytesOf(random, below(random, 4))), how: 'close' }
}

/** The messages of a whole burst in another order, or one of them missing or twice, and the count sometimes put right. */
function shuffled(burst: Uint8Array, random: Random): Uint8Array {
  const messages: Uint8Array[] = []
  for (let at = 99; at < burst.length;) {
    const end = at + 6 + readUint(burst, at, 2) + readUint(burst, at + 2, 4)
    messages.push(burst.subarray(at, end))
    at = end
  }
  const index = below(random, messages.length)
  const change = below(random, 3)
  if (change === 0) messages.reverse()
  else if (change === 1) messages.splice(index, 1)
  else messages.splice(index, 0, messages[index]!)
  return concat(burst.subarray(0, 97), random() < 0.8 ? uint(messages.length, 2) : burst.subarray(97, 99), ...messages)
}

/** A frame changed at one of its levels; the spans are those of the frame as it was. */
function changedFrame(scribe: Scribe, stock: Stock, bytes: Uint8Array): { bytes: Uint8Array; how: string } {
  const { random } = scribe
  const other = oneOf(random, stock.frames)
  const [name, mutate] = oneOf(random, byteMutations)
  const spans = spansOf(bytes)
  const dice = below(random, 10)
  if (dice === 0) return { bytes, how: 'as it is' }
  if (dice === 1) return { bytes: mutate(bytes, random, other), how: `frame: ${name}` }
  if (dice === 2) return { bytes: concat(Uint8Array.of(bytes[0]!, below(random, 4)), bytes.subarray(2)), how: 'another auth' }
  if (dice === 3) return { bytes: concat(bytes.subarray(0, 2), oneOf(random, scribe.people).x, bytes.subarray(34)), how: 'another author' }
  if (dice === 4) {
    const theirs = spansOf(other)
    return { bytes: concat(bytes.subarray(0, spans.header), other.subarray(theirs.header, theirs.payload), bytes.subarray(spans.payload)), how: 'the header of another' }
  }
  if (dice === 5) return { bytes: concat(bytes.subarray(0, spans.payload), other.subarray(spansOf(other).payload)), how: 'the payload of another' }
  if (dice === 6) return { bytes: concat(bytes.subarray(0, 34), mutate(bytes.subarray(34, spans.header - 2), random, other.subarray(34, 98)), bytes.subarray(spans.header - 2)), how: `proof: ${name}` }
  if (dice === 7) {
    const header = mutate(bytes.subarray(spans.header, spans.payload), random, other)
    return { bytes: concat(bytes.subarray(0, spans.header - 2), uint(header.length & 0xffff, 2), header, bytes.subarray(spans.payload)), how: `header: ${name}` }
  }
  if (dice === 8) return { bytes: concat(bytes.subarray(0, spans.payload), mutate(bytes.subarray(spans.payload), random, other)), how: `payload: ${name}` }
  return { bytes: concat(bytes.subarray(0, spans.header - 2), uint(below(random, 1_200), 2), bytes.subarray(spans.header)), how: 'the header\'s length lies' }
}

function spansOf(bytes: Uint8Array): { header: number; payload: number } {
  const proof = bytes[1] === Auth.CHANNEL ? 0 : bytes[1] === Auth.SIGNATURE ? 64 : 68 + 32 * pathSize(readUint(bytes, 100, 2), readUint(bytes, 98, 2))
  const header = 34 + proof + 2
  return { header, payload: header + readUint(bytes, header - 2, 2) }
}

function pathSize(index: number, count: number): number {
  let size = 0
  for (let place = index, width = count; width > 1; place >>= 1, width = (width + 1) >> 1) if ((place ^ 1) < width) size++
  return size
}

// The campaign.

interface Ends extends FedLink { receiver: Receiver; frames: number }

class Campaign {
  readonly random: Random
  readonly clock = new StepClock()
  readonly node: LocalNode
  readonly backend: ICryptoBackend
  readonly people: Person[]
  readonly scribe: Scribe
  readonly memory = new Memory()
  readonly result: FrameCampaignResult = { frames: 0, accepted: 0, missed: 0, crashed: 0, taken: 0, links: 0, rssStartMiB: 0, rssEndMiB: 0, firstFault: undefined }
  readonly #options: FrameCampaign
  readonly #verify: (signature: Uint8Array, digest: Uint8Array, author: Uint8Array) => boolean
  claimed: Claimed[] = []
  crash: unknown

  constructor(options: FrameCampaign, backend: ICryptoBackend) {
    this.#options = options
    this.random = quickRandom(options.seed)
    this.backend = options.signatures === 'real' ? backend : withStandIn(backend)
    // The second reading would rather not ask lib whether a signature is good; but ten times slower is too slow for a real share of any size.
    this.#verify = (signature, digest, author) => this.backend.verify(signature, digest, author)
    this.node = createLocalNode({
      clock: this.clock,
      networkId: NETWORK,
      limits: { faultsBurst: 1e15, failedSignaturesBurst: 1e15, pingsPerTenSeconds: 1e9, trustedBytesBurst: 1e15 },
      crypto: { base: () => this.backend, best: async () => ({ backend: this.backend, notes: [] }) },
    }, {
      leastAuth: (protocol, type) => (protocol === 'p' && type === 'hop' ? 'channel' : 'signature'),
      messageBytesMax: () => 98_304,
      list: () => [{ name: 'p', version: 1 }],
    })
    this.people = Array.from({ length: 3 }, () => {
      const key = newStaticKey()
      return { key, x: key.point.slice(1), boot: bytesOf(this.random, 16) }
    })
    const signer: Signer = options.signatures === 'real' ? ({ key }, digest) => sign(key, digest) : ({ x }, digest) => standInSignature(x, digest)
    this.scribe = new Scribe(this.random, this.clock, this.people, this.node.publicKey, signer)
  }

  async run(): Promise<FrameCampaignResult> {
    const { frames, progress } = this.#options
    let ends = this.#open()
    let stock = restock(this.scribe)
    let uses = 0
    const startAt = Math.floor(frames / 10)
    for (let index = 0; index < frames; index++) {
      if (index === startAt) this.result.rssStartMiB = residentMiB()
      if (progress && index % 50_000 === 0) progress(index)
      if (++uses > USES_PER_MESSAGE * stock.frames.length) {
        stock = { ...restock(this.scribe), sent: stock.sent }
        uses = 0
        this.memory.forgetOld(this.clock.now())
        this.node.intake.sweep()
      }
      this.clock.nowMs += STEP_MS
      if (ends.channel.closed || ends.frames >= FRAMES_PER_LINK) {
        ends.link.cut('local')
        ends = this.#open()
      }
      await this.#one(ends, stock, index)
    }
    ends.link.cut('local')
    this.result.rssEndMiB = residentMiB()
    return this.result
  }

  async #one(ends: Ends, stock: Stock, index: number): Promise<void> {
    const { plaintext, how } = nextPlaintext(this.scribe, stock)
    const spoilt = below(this.random, CIPHERTEXT_SHARE) === 0
    const sealed = ends.sealing.seal(plaintext)
    const fed = spoilt ? oneOf(this.random, byteMutations)[1](sealed, this.random, oneOf(this.random, stock.frames)) : sealed
    const opens = Buffer.compare(fed, sealed) === 0
    this.claimed = []
    this.crash = undefined
    this.result.frames++
    ends.frames++
    try {
      await ends.channel.feed(fed)
    } catch (error) {
      this.crash = error
    }
    if (stock.sent.length < 200) stock.sent.push(plaintext)
    else stock.sent[below(this.random, 200)] = plaintext
    const verdict: Verdict = opens ? ends.receiver.judge(plaintext, this.claimed) : this.#ofUnopened(ends)
    this.#count(verdict, ends, opens ? how : `the ciphertext changed (${how})`, index, plaintext)
  }

  /** Nothing may be taken, and the link is over. */
  #ofUnopened(ends: Ends): Verdict {
    if (!ends.channel.closed) this.crash ??= new Error('a frame that does not open did not end the link')
    const [what] = this.claimed
    return what ? { kind: 'accepted', what } : { kind: 'agreed', taken: 0 }
  }

  #count(verdict: Verdict, ends: Ends, how: string, index: number, plaintext: Uint8Array): void {
    if (verdict.kind === 'agreed') this.result.taken += verdict.taken
    else this.result[verdict.kind]++
    if (ends.receiver.over !== ends.channel.closed && !how.startsWith('the ciphertext')) this.crash ??= new Error(`the link is ${ends.channel.closed ? 'over' : 'open'}, and should not be`)
    if (this.crash !== undefined) this.result.crashed++
    if (verdict.kind === 'agreed' && this.crash === undefined) return
    this.result.firstFault ??= `seed ${this.#options.seed}, frame ${index}, ${how}: ${verdict.kind}${this.crash === undefined ? '' : `, ${String(this.crash)}`}: ${hex(plaintext).slice(0, 4_000)}`
  }

  #open(): Ends {
    const { random, node, people } = this
    this.result.links++
    const [mallory] = people as [Person]
    const ends = openFedLink({
      node, backend: this.backend, peer: mallory.x, boot: mallory.boot, bytes: size => bytesOf(random, size),
      onMessage: message => void this.claimed.push({ from: message.from, messageId: message.messageId, frame: message.frame, payload: message.payload }),
      onCrash: error => { this.crash ??= error },
    })
    const receiver = new Receiver({
      network: NETWORK, own: node.publicKey, peer: mallory.x, now: () => this.clock.now(), memory: this.memory,
      verify: this.#verify,
      mayBePlain: (protocol, type) => protocol === 'p' && type === 'hop',
    })
    return { ...ends, receiver, frames: 0 }
  }
}

export async function mutateFrames(options: FrameCampaign): Promise<FrameCampaignResult> {
  const { backend } = await chooseBackend('auto')
  return await new Campaign(options, backend).run()
}
