import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import { EMPTY_BYTES } from '../../foundation/bytes.ts'
import { readAnswer } from './carried-answer.ts'
import { draw } from '../../protocol-kit/draw.ts'
import type { Core } from './core.ts'
import { ANSWER, type Question, type Questions } from './definition.ts'
import type { Answerer } from './answerer.ts'
import { HOPS_MAX } from './limits.ts'
import { decodeIds, encodeIds } from './referral.ts'

/** Somebody answered and it was no answer. */
export const BAD_ANSWER = 'ERR_DHT_BAD_ANSWER'

/** A question as it is carried: who is still to pass it on, and one of the questions. */
type Carried = { route: Uint8Array; nonce: Uint8Array } & { [Q in Question]?: Questions[Q]['ask'] }
const QUESTIONS: readonly Question[] = ['find', 'put', 'list', 'fetch', 'where']

/** How fast the deadline follows what was measured (RFC 6298 has an eighth). */
const GAIN = 1 / 8
/** A question may take so many times what one takes on average. */
const PATIENCE = 4

/** Puts questions to nodes: by our own link where there is one, else through those who named them. */
export class Asker {
  readonly #core: Core
  readonly #answerer: Answerer
  /** A round trip to a peer with a link, on average. */
  #tripMs = 0

  constructor(core: Core, answerer: Answerer) {
    this.#core = core
    this.#answerer = answerer
  }

  /**
   * The answer of whoever ends the route, which begins with a contact of ours. A carried answer is signed by who gave it. Rejects when there is none.
   */
  async ask<Q extends Question>(route: readonly PeerId[], question: Q, ask: Questions[Q]['ask']): Promise<Questions[Q]['reply']> {
    const { links } = this.#core
    const start = route.findLastIndex(id => links.has(id))
    if (start < 0 || route.length - start > HOPS_MAX) throw new P2PError(BAD_ANSWER, `nobody is left who could carry a question to ${route.at(-1)}`)
    const timeoutMs = this.#timeoutMs(route.length - start)
    this.#core.count('asked')
    const first = route[start]!
    if (start < route.length - 1) return await this.#askThrough(first, route.slice(start + 1), question, ask, timeoutMs)
    const askedAtMs = this.#core.context.clock.elapsedMs()
    const reply = await this.#core.ask(first, question, ask as never, { timeoutMs }) as Questions[Q]['reply']
    this.#measured(this.#core.context.clock.elapsedMs() - askedAtMs)
    return reply
  }

  async #askThrough<Q extends Question>(first: PeerId, rest: readonly PeerId[], question: Q, ask: Questions[Q]['ask'], timeoutMs: number): Promise<Questions[Q]['reply']> {
    const { context } = this.#core
    const nonce = draw(context, 16)
    this.#core.count('asked-through')
    const { frame } = await this.#core.ask(first, 'carry', { route: encodeIds(rest), nonce, [question]: ask } as never, { timeoutMs }) as { frame: Uint8Array }
    const target = rest.at(-1)!
    if (frame.length === 0) throw new P2PError(BAD_ANSWER, `${first} could not carry a question to ${target}`)
    const answer = readAnswer(await context.verify(frame), target, nonce, question)
    if (answer !== null) return answer
    throw new P2PError(BAD_ANSWER, `what ${first} brought is no answer of ${target}`)
  }

  /** Passes a question on, or answers it. An empty frame says that no answer can be had. */
  async carry(carried: Carried, from: PeerId): Promise<{ frame: Uint8Array }> {
    const { carries, links, parameters } = this.#core
    const route = decodeIds(carried.route)
    if (route === null || carries.take(from) > 0) return this.#refused('carries-refused')
    const [next, ...rest] = route
    if (next === undefined) return await this.#answerCarried(carried, from)
    if (!links.has(next) || next === from) return this.#refused('carries-astray')
    this.#core.count('carried')
    try {
      return await this.#core.ask(next, 'carry', { ...carried, route: encodeIds(rest) } as never, { timeoutMs: parameters.askMsMax }) as { frame: Uint8Array }
    } catch {
      return this.#refused('carries-failed')
    }
  }

  async #answerCarried(carried: Carried, from: PeerId): Promise<{ frame: Uint8Array }> {
    const question = QUESTIONS.find(name => carried[name] !== undefined)
    if (question === undefined) return this.#refused('carries-empty')
    const body = await this.#answerer.answer(question, carried[question] as never, { id: from, isDirect: false })
    const frame = await this.#core.context.author({ type: ANSWER, payload: { question, nonce: carried.nonce, body } })
    return { frame }
  }

  #refused(reason: string): { frame: Uint8Array } {
    this.#core.count(reason)
    return { frame: EMPTY_BYTES }
  }

  #timeoutMs(hops: number): number {
    const { askMsMin, askMsMax } = this.#core.parameters
    return Math.min(askMsMax, Math.max(askMsMin, PATIENCE * this.#tripMs) * hops)
  }

  #measured(tripMs: number): void {
    this.#tripMs = this.#tripMs === 0 ? tripMs : this.#tripMs + GAIN * (tripMs - this.#tripMs)
  }
}
