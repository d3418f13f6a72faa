/**
 * How a run ends, as a pure function: ACK or NAK, then sign or reveal. Small enough that every order of deliveries can be tried; all that
 * makes a coin safe is decided here and nowhere else. A state is plain data and is never changed in place.
 */

/** `signing` and `revealing` are entered once and never left for each other. */
export type Stage = 'waiting' | 'acked' | 'naked' | 'signing' | 'revealing' | 'void'

export interface ClosingState {
  readonly me: number
  readonly stage: Stage
  /** The txid that each peer acknowledged. */
  readonly acks: readonly (string | null)[]
  /** The hash of each peer's NAK. */
  readonly naks: readonly (string | null)[]
  /** Who revealed, and who signed. */
  readonly reveals: readonly boolean[]
  readonly signatures: readonly boolean[]
  /** Proven to have said two things in one slot. */
  readonly liars: readonly boolean[]
}

export type ClosingInput =
  /** Our own result: the txid that follows from it, or null where the DC-net failed. */
  | { readonly kind: 'decide'; readonly txid: string | null }
  | { readonly kind: 'ack'; readonly from: number; readonly txid: string }
  | { readonly kind: 'nak'; readonly from: number; readonly hash: string }
  | { readonly kind: 'rv'; readonly from: number }
  | { readonly kind: 'sg'; readonly from: number }
  /** Evidence from somebody else that this peer said two things in its verdict or final slot. */
  | { readonly kind: 'liar'; readonly peer: number }

export type ClosingOutput =
  | { readonly kind: 'say-ack'; readonly txid: string }
  | { readonly kind: 'say-nak' }
  /** All have acknowledged the same: from here on this run is never revealed. */
  | { readonly kind: 'sign' }
  /** Reveal our secrets, citing this NAK: from here on this run is never signed. */
  | { readonly kind: 'reveal'; readonly nak: string }
  /** Two words in one slot. */
  | { readonly kind: 'liar'; readonly peer: number; readonly slot: 'verdict' | 'final' }
  /** An acknowledgement of another transaction than the one that follows. */
  | { readonly kind: 'bad-ack'; readonly peer: number }

export function openClosing(me: number, count: number): ClosingState {
  const none = <T>(value: T): T[] => new Array<T>(count).fill(value)
  return { me, stage: 'waiting', acks: none(null), naks: none(null), reveals: none(false), signatures: none(false), liars: none(false) }
}

/** What has happened changes the state; then what follows from the state is done, at most one thing that binds us. */
export function closingStep(before: ClosingState, input: ClosingInput): { state: ClosingState; outputs: readonly ClosingOutput[] } {
  const outputs: ClosingOutput[] = []
  let state = heard(before, input, outputs)
  if (input.kind === 'decide') state = decided(state, input.txid, outputs)
  state = withLiars(state, outputs)
  const bound = binding(state)
  if (bound === null) return { state, outputs }
  outputs.push(bound)
  return { state: { ...state, stage: bound.kind === 'sign' ? 'signing' : 'revealing' }, outputs }
}

function heard(state: ClosingState, input: ClosingInput, outputs: ClosingOutput[]): ClosingState {
  switch (input.kind) {
    case 'decide': return state
    case 'ack': {
      const own = state.acks[state.me]
      if (own !== null && own !== undefined && input.txid !== own && state.acks[input.from] === null) outputs.push({ kind: 'bad-ack', peer: input.from })
      return state.acks[input.from] === null ? { ...state, acks: put(state.acks, input.from, input.txid) } : state
    }
    case 'nak': return state.naks[input.from] === null ? { ...state, naks: put(state.naks, input.from, input.hash) } : state
    case 'rv': return { ...state, reveals: put(state.reveals, input.from, true) }
    case 'sg': return { ...state, signatures: put(state.signatures, input.from, true) }
    case 'liar': return { ...state, liars: put(state.liars, input.peer, true) }
  }
}

function decided(state: ClosingState, txid: string | null, outputs: ClosingOutput[]): ClosingState {
  if (state.stage !== 'waiting') return state
  if (txid === null) {
    outputs.push({ kind: 'say-nak' })
    return { ...state, stage: 'naked' }
  }
  outputs.push({ kind: 'say-ack', txid })
  state.acks.forEach((other, peer) => {
    if (other !== null && other !== txid) outputs.push({ kind: 'bad-ack', peer })
  })
  return { ...state, stage: 'acked', acks: put(state.acks, state.me, txid) }
}

/** Notes those who said two things, once each. */
function withLiars(state: ClosingState, outputs: ClosingOutput[]): ClosingState {
  let { liars } = state
  for (let peer = 0; peer < liars.length; peer++) {
    if (liars[peer]) continue
    const slot = state.acks[peer] !== null && state.naks[peer] !== null ? 'verdict' : state.reveals[peer] && state.signatures[peer] ? 'final' : null
    if (slot === null) continue
    outputs.push({ kind: 'liar', peer, slot })
    liars = put(liars, peer, true)
  }
  const isOver = liars.some(Boolean) && (state.stage === 'acked' || state.stage === 'naked')
  // A proven liar ends the run: whoever has bound himself to nothing yet never does.
  return liars === state.liars && !isOver ? state : { ...state, liars, stage: isOver ? 'void' : state.stage }
}

/** Sign when everybody acknowledged the same and nobody refused; reveal when somebody refused whose ACK we do not hold. */
function binding(state: ClosingState): Extract<ClosingOutput, { kind: 'sign' | 'reveal' }> | null {
  const { stage, me, acks, naks } = state
  if (stage !== 'acked' && stage !== 'naked') return null
  const nak = naks.find((hash, peer) => hash !== null && acks[peer] === null)
  if (nak !== undefined && nak !== null) return { kind: 'reveal', nak }
  const own = acks[me]
  if (stage === 'acked' && own !== null && acks.every(txid => txid === own)) return { kind: 'sign' }
  return null
}

function put<T>(list: readonly T[], index: number, value: T): readonly T[] {
  if (list[index] === value) return list
  const copy = [...list]
  copy[index] = value
  return copy
}
