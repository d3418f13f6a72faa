import { createIdentity } from '../../lib/crypto/identity.ts'
import { chooseBackend } from '../../lib/crypto/select.node.ts'
import { createLocalNode, type LocalNode } from '../../lib/peers/local-node.ts'
import { openFedLink, StepClock, type FedLink } from './fed-link.ts'
import { quickRandom, standInSignature, withStandIn } from './mutations.ts'
import { newStaticKey } from './second/keys.ts'
import { Auth, Author, burstDigest, burstProof, frame, Kind, messageHash, part, pathOf, rootOf, wholeBurst } from './second/wire.ts'

/**
 * Valid messages, each taken once, then handed in again and again: on the same link, on new ones of the same key, on
 * those of another, and to the same key after a restart. None may be taken a second time.
 */
export interface ReplayCampaign {
  replays: number
  seed: number
}

export interface ReplayResult {
  replays: number
  /** Taken the first time, as they must be. */
  taken: number
  /** Taken again. */
  accepted: number
  crashed: number
  /** Refusals by code. */
  refused: Record<string, number>
}

const WAYS = ['the same link', 'a new link', 'another peer', 'after a restart'] as const
const FRAMES_PER_LINK = 500

export async function replayFrames({ replays, seed }: ReplayCampaign): Promise<ReplayResult> {
  const real = (await chooseBackend('auto')).backend
  const backend = withStandIn(real)
  const random = quickRandom(seed)
  const clock = new StepClock()
  const identity = createIdentity({ backend: real })
  const nodeNow = (): LocalNode => createLocalNode({
    identity, clock, networkId: 'test', limits: { trustedBytesBurst: 1e15 },
    crypto: { base: () => backend, best: async () => ({ backend, notes: [] }) },
  }, { leastAuth: () => 'signature', messageBytesMax: () => 98_304, list: () => [] })

  const [mallory, dave] = [new Author(newStaticKey(), 'test'), new Author(newStaticKey(), 'test')]
  const result: ReplayResult = { replays: 0, taken: 0, accepted: 0, crashed: 0, refused: {} }
  const openAs = (node: LocalNode, who: Author, onMessage: () => void): FedLink => openFedLink({
    node, backend, peer: who.x.slice(), boot: who.boot, onMessage,
    bytes: size => Uint8Array.from({ length: size }, () => Math.floor(random() * 256)),
    onRefused: error => { result.refused[error.code] = (result.refused[error.code] ?? 0) + 1 },
    onCrash: () => { result.crashed++ },
  })

  const before = nodeNow()
  clock.nowMs += 31_000
  const plaintexts = captured([mallory, dave], clock)
  let opened = openAs(before, mallory, () => { result.taken++ })
  for (const plaintext of plaintexts) await opened.channel.feed(opened.sealing.seal(plaintext))
  opened.link.cut('local')

  clock.nowMs += 1_000
  const after = nodeNow()
  for (const way of WAYS) {
    const node = way === 'after a restart' ? after : before
    // After a restart an author's own link may bring what it said before: it is another that tries.
    const who = way === 'another peer' || way === 'after a restart' ? new Author(newStaticKey(), 'test') : mallory
    let frames = 0
    const again = (): void => { result.accepted++ }
    opened = openAs(node, who, again)
    for (let index = 0; index < replays / WAYS.length; index++) {
      if (opened.channel.closed || (way === 'a new link' && ++frames % FRAMES_PER_LINK === 0)) {
        opened.link.cut('local')
        opened = openAs(node, who, again)
      }
      result.replays++
      await opened.channel.feed(opened.sealing.seal(plaintexts[Math.floor(random() * plaintexts.length)]!))
    }
    opened.link.cut('local')
  }
  return result
}

/** Messages signed alone, in bursts that travel whole, and in bursts message by message. */
function captured(authors: readonly Author[], clock: StepClock): Uint8Array[] {
  const plaintexts: Uint8Array[] = []
  for (const author of authors) {
    for (let n = 0; n < 200; n++) {
      const said = author.say(n, { timestamp: clock.now() })
      const proof = standInSignature(author.x, messageHash(author.x, said.header, said.payload))
      plaintexts.push(part(Kind.MESSAGE, frame({ auth: Auth.SIGNATURE, author: author.x, proof, ...said })))
    }
    for (let n = 0; n < 40; n++) {
      const messages = Array.from({ length: 5 }, () => author.say(n, { timestamp: clock.now() }))
      const hashes = messages.map(({ header, payload }) => messageHash(author.x, header, payload))
      const signature = standInSignature(author.x, burstDigest('test', 5, rootOf(hashes)))
      if (n % 2 === 0) plaintexts.push(part(Kind.BURST, wholeBurst(author.x, signature, messages)))
      else {
        plaintexts.push(...messages.map((said, index) =>
          part(Kind.MESSAGE, frame({ auth: Auth.BURST, author: author.x, proof: burstProof(signature, 5, index, pathOf(index, hashes)), ...said }))))
      }
    }
  }
  return plaintexts
}
