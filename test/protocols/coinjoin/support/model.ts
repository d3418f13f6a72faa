import { closingStep, openClosing, type ClosingInput, type ClosingState } from '../../../../lib/protocols/coinjoin/closing.ts'
import { below, seededRandom } from '../../../support/seeded-random.ts'

/**
 * The verdict and final words of one run, and nothing else: honest peers run the very function that ships, the last peer says anything
 * to anybody at any time. Every order in which words can arrive is tried, or some drawn at random.
 */

type Said = { readonly kind: 'ack' | 'nak' | 'rv' | 'sg'; readonly from: number; readonly cites?: number }
interface Transit { readonly to: number; readonly said: Said }

interface World {
  readonly peers: readonly ClosingState[]
  /** Honest words on their way, and what the cheat may still send. */
  readonly transit: readonly Transit[]
  readonly decided: readonly boolean[]
  /** What each honest peer has said for good: R revealed, S signed. */
  readonly bound: readonly string[]
  /** Which peers each honest one holds proof against. */
  readonly proven: readonly (readonly boolean[])[]
}

export interface ModelOptions {
  readonly peers: number
  /** Whether each honest peer's own result is good. */
  readonly found: readonly boolean[]
  /** A rule broken on purpose, to see that the search sees. */
  readonly wrong?: 'signs early' | 'reveals late'
}

export interface ModelResult { states: number; endings: number; broken: string[]; stuck: string[] }

const TXID = 'the transaction'

/** A cheat's words are offered from the beginning; each may arrive at any time, or never: see `endsOf`. */
function begin({ peers, found }: ModelOptions): World {
  const honest = found.length
  const cheat = honest
  const offers: Transit[] = []
  for (let to = 0; to < honest; to++) for (const kind of ['ack', 'nak', 'rv', 'sg'] as const) offers.push({ to, said: { kind, from: cheat } })
  return {
    peers: found.map((_, me) => openClosing(me, peers)), transit: offers, decided: found.map(() => false), bound: found.map(() => ''),
    proven: found.map(() => new Array<boolean>(peers).fill(false)),
  }
}

function inputOf({ kind, from }: Said): ClosingInput {
  if (kind === 'ack') return { kind, from, txid: TXID }
  if (kind === 'nak') return { kind, from, hash: `nak of ${from}` }
  return { kind, from }
}

/** One peer is told one thing; what it says goes to the others, and what it has heard of a refusal or a lie it hands on. */
function tell(world: World, to: number, input: ClosingInput, options: ModelOptions): World {
  const honest = world.peers.length
  const step = closingStep(world.peers[to]!, input)
  let { state } = step
  const sends: Transit[] = []
  const bound = [...world.bound]
  const proven = world.proven.map(list => [...list])
  const spread = (said: Said): void => {
    for (let other = 0; other < honest; other++) if (other !== to) sends.push({ to: other, said })
  }
  let own: ClosingInput | undefined
  for (const output of step.outputs) {
    switch (output.kind) {
      case 'say-ack': spread({ kind: 'ack', from: to }); break
      case 'say-nak': spread({ kind: 'nak', from: to }); own = { kind: 'nak', from: to, hash: `nak of ${to}` }; break
      case 'sign': bound[to] += 'S'; spread({ kind: 'sg', from: to }); break
      case 'reveal': bound[to] += 'R'; spread({ kind: 'rv', from: to, cites: Number(output.nak.slice('nak of '.length)) }); break
      case 'liar': proven[to]![output.peer] = true; break
      case 'bad-ack':
    }
  }
  if (options.wrong === 'signs early' && state.stage === 'acked' && state.acks.filter(Boolean).length >= 2) {
    bound[to] += 'S'
    state = { ...state, stage: 'signing' }
  }
  if (options.wrong === 'reveals late' && state.stage === 'signing' && input.kind === 'nak' && !bound[to]!.includes('R')) bound[to] += 'R'
  // NAKs are flooded, and so is the proof of a lie.
  if (input.kind === 'nak' && input.from >= honest && world.peers[to]!.naks[input.from] === null) spread({ kind: 'nak', from: input.from })
  const next: World = {
    peers: world.peers.map((peer, index) => (index === to ? state : peer)),
    transit: merged(world.transit, sends), decided: world.decided, bound, proven,
  }
  return own === undefined ? next : tell(next, to, own, options)
}

/** The same word twice to one peer changes nothing: it is on its way once. */
function merged(transit: readonly Transit[], sends: readonly Transit[]): Transit[] {
  const key = ({ to, said }: Transit): string => `${to}${said.kind}${said.from}`
  const known = new Set(transit.map(key))
  return [...transit, ...sends.filter(send => !known.has(key(send)) && known.add(key(send)))]
}

function movesOf(world: World, options: ModelOptions): World[] {
  const moves: World[] = []
  world.decided.forEach((done, me) => {
    if (done) return
    const decided = world.decided.map((was, index) => was || index === me)
    moves.push(tell({ ...world, decided }, me, { kind: 'decide', txid: options.found[me] ? TXID : null }, options))
  })
  world.transit.forEach((transit, index) => {
    const rest = world.transit.filter((_, at) => at !== index)
    moves.push(tell({ ...world, transit: rest }, transit.to, inputOf(transit.said), options))
  })
  return moves
}

function breachesOf({ bound, proven, peers }: World): string[] {
  const broken: string[] = []
  bound.forEach((said, me) => {
    if (said.includes('S') && said.includes('R')) broken.push(`peer ${me} both signed and revealed`)
    if (said.includes('S') && peers[me]!.acks.some(txid => txid !== TXID)) broken.push(`peer ${me} signed what not everybody had acknowledged`)
    if (said.length > 1) broken.push(`peer ${me} bound itself twice: ${said}`)
  })
  if (bound.some(said => said.includes('R')) && bound.every(said => said.includes('S'))) broken.push('a revealed run can confirm')
  proven.forEach((list, me) => list.forEach((is, peer) => {
    if (is && peer < peers.length) broken.push(`peer ${me} holds the honest ${peer} for a liar`)
  }))
  return broken
}

/**
 * What is wrong when nothing more of the honest is on its way and the cheat stays silent from here on: somebody must be found. Either all
 * honest have signed (then the cheat's own missing or present SG decides), or the cheat is proven a liar by somebody, or a vote finds the
 * cheat silent or all have revealed and the reveals are judged, or an honest peer refused and all reveal.
 */
function stuckAt({ peers, transit, decided, bound, proven }: World): string | null {
  const honest = peers.length
  if (decided.includes(false) || transit.some(({ said }) => said.from < honest) || transit.some(({ said }) => said.kind === 'nak')) return null
  if (bound.every(said => said.includes('S'))) return null
  if (proven.some(list => list[honest])) return null
  const cheatSaysAll = peers.every(({ acks }) => acks[honest] !== null)
  const missesVerdict = peers.every(({ acks, naks }) => acks[honest] === null && naks[honest] === null)
  if (missesVerdict) return null
  const reveals = bound.filter(said => said.includes('R')).length
  if (reveals === honest) return null
  // Somebody signed, somebody reveals: the reveal cites a refusal that the signer holds an ACK against.
  if (cheatSaysAll && reveals === 0) return null
  // Not heard by all: what one holds, it forwards when asked, so this is not an end.
  const heardBySome = peers.some(({ acks, naks }) => acks[honest] !== null || naks[honest] !== null)
  const heardByAll = peers.every(({ acks, naks }) => acks[honest] !== null || naks[honest] !== null)
  return heardBySome && !heardByAll ? null : `bound ${bound.join()} and nobody to blame`
}

function keyOf(world: World): string {
  return JSON.stringify([world.peers, world.bound, world.decided, world.transit.map(({ to, said }) => `${to}${said.kind}${said.from}`).sort()])
}

/** Every order of deliveries from the beginning, each world once. */
export function exhaust(options: ModelOptions): ModelResult {
  const result: ModelResult = { states: 0, endings: 0, broken: [], stuck: [] }
  const seen = new Set<string>()
  const open = [begin(options)]
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const key = keyOf(world)
    if (seen.has(key)) continue
    seen.add(key)
    note(world, result)
    const moves = movesOf(world, options)
    if (moves.length === 0) result.endings++
    open.push(...moves)
  }
  result.states = seen.size
  return result
}

/** Drawn orders, for more peers than can be exhausted. */
export function wander({ peers, games, seed }: { peers: number; games: number; seed: number }): ModelResult {
  const result: ModelResult = { states: 0, endings: 0, broken: [], stuck: [] }
  const random = seededRandom(seed)
  for (let game = 0; game < games; game++) {
    const options = { peers, found: Array.from({ length: peers - 1 }, () => random(1)[0]! < 200) }
    let world = begin(options)
    // A cheat who never says some of it.
    world = { ...world, transit: world.transit.filter(() => random(1)[0]! < 160) }
    for (;;) {
      result.states++
      note(world, result)
      const moves = movesOf(world, options)
      if (moves.length === 0) break
      world = moves[below(random, moves.length)]!
    }
    result.endings++
  }
  return result
}

function note(world: World, result: ModelResult): void {
  for (const breach of breachesOf(world)) if (!result.broken.includes(breach)) result.broken.push(breach)
  const stuck = stuckAt(world)
  if (stuck !== null && !result.stuck.includes(stuck)) result.stuck.push(stuck)
}
