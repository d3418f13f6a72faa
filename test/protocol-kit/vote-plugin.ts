// A plugin in the style of the built-in ones: definition, pure state, thin handler. It knows the public package and nothing else.
import Type from 'typebox'
import {
  defineProtocol, type Effect, EffectTimers, type IStateMachine, type PeerId, type ProtocolContext, ProtocolHandler, type Receivers, type Responders, runEffects,
} from '../../lib/index.ts'

export const votes = defineProtocol({
  name: 'votes',
  version: 1,
  messages: { vote: Type.Object({ round: Type.String({ maxLength: 16 }), choice: Type.Union([Type.Literal('yes'), Type.Literal('no')]) }) },
  requests: { tally: { request: Type.Object({ round: Type.String() }), reply: Type.Object({ yes: Type.Integer(), no: Type.Integer() }) } },
})
type Votes = typeof votes
export type Outcome = { round: string; yes: number; no: number }
type Input = { kind: 'open'; round: string; choice: 'yes' | 'no' } | { kind: 'vote'; from: PeerId; round: string; choice: 'yes' | 'no' } | { kind: 'timer'; timer: string }

const ROUND_MS = 60_000

/** One vote for each key and round; who votes twice differently is named. */
class VoteState implements IStateMachine<Input, Effect<Votes, Outcome>> {
  readonly #rounds = new Map<string, Map<PeerId, 'yes' | 'no'>>()

  handle(input: Input, _nowMs: number): readonly Effect<Votes, Outcome>[] {
    switch (input.kind) {
      case 'open':
        this.#votesOf(input.round).set('self', input.choice)
        return [
          { kind: 'store', key: `round/${input.round}`, value: new TextEncoder().encode(input.choice), sync: true },
          { kind: 'broadcast', type: 'vote', payload: { round: input.round, choice: input.choice }, slot: input.round },
          { kind: 'schedule', timer: input.round, delayMs: ROUND_MS },
        ]
      case 'vote': {
        const said = this.#votesOf(input.round).get(input.from)
        if (said !== undefined && said !== input.choice) return [{ kind: 'blame', peerId: input.from, code: 'ERR_VOTES_TWO_FACED' }]
        this.#votesOf(input.round).set(input.from, input.choice)
        return []
      }
      case 'timer':
        return [{ kind: 'emit', event: { round: input.timer, ...this.tally(input.timer) } }]
    }
  }

  tally(round: string): { yes: number; no: number } {
    const choices = [...this.#votesOf(round).values()]
    return { yes: choices.filter(choice => choice === 'yes').length, no: choices.filter(choice => choice === 'no').length }
  }

  #votesOf(round: string): Map<PeerId, 'yes' | 'no'> {
    let votesOf = this.#rounds.get(round)
    if (votesOf === undefined) this.#rounds.set(round, (votesOf = new Map()))
    return votesOf
  }
}

export class VotesHandler extends ProtocolHandler<Votes> {
  readonly outcomes: Outcome[] = []
  readonly #state = new VoteState()
  readonly #timers = new EffectTimers()

  protected readonly receive: Receivers<Votes> = {
    vote: ({ round, choice }, from) => this.#step({ kind: 'vote', from: from.peerId, round, choice }),
  }

  protected override readonly answer: Responders<Votes> = { tally: ({ round }) => this.#state.tally(round) }

  constructor() {
    super(votes)
  }

  open(round: string, choice: 'yes' | 'no'): Promise<void> {
    return this.#step({ kind: 'open', round, choice })
  }

  ask(peer: PeerId, round: string): Promise<{ yes: number; no: number }> {
    return this.request(peer, 'tally', { round })
  }

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
  }

  override onUnregister(): void | Promise<void> {
    this.#timers[Symbol.dispose]()
    return super.onUnregister()
  }

  onEvent(outcome: Outcome): void {
    this.outcomes.push(outcome)
  }

  onTimer(timer: string): Promise<void> {
    return this.#step({ kind: 'timer', timer })
  }

  async #step(input: Input): Promise<void> {
    await runEffects<Votes, Outcome>(this.context, this.#state.handle(input, this.context.clock.now()), this, this.#timers)
  }
}
