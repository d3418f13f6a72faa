import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { ProtocolContext, ProtocolDefinition } from '../contracts/protocol.ts'
import type { Effect } from '../contracts/state-machine.ts'
import { textOf } from '../foundation/error-text.ts'

/** What the handler itself must do with the effects that never leave the node. */
export interface EffectSink<Event> {
  onEvent(event: Event): void
  /** A timer ran out, unless it was cancelled first. What it throws, or its promise rejects with, is reported. */
  onTimer(timer: string): void | Promise<void>
  /** An answer to a `request` effect, or why there is none. Likewise. */
  onAnswer?(ref: string, answer: { payload: unknown } | { error: unknown }): void | Promise<void>
}

/** Timers under way, by name; scheduling a name again replaces it. One set belongs to one handler. */
export class EffectTimers implements Disposable {
  readonly #timers = new Map<string, Disposable>()

  schedule(context: ProtocolContext, timer: string, delayMs: number, run: () => void): void {
    this.cancel(timer)
    const scheduled = context.clock.schedule(delayMs, () => {
      this.#timers.delete(timer)
      run()
    })
    this.#timers.set(timer, scheduled)
  }

  cancel(timer: string): void {
    this.#timers.get(timer)?.[Symbol.dispose]()
    this.#timers.delete(timer)
  }

  /** Call when the handler is unregistered. */
  [Symbol.dispose](): void {
    for (const timer of [...this.#timers.keys()]) this.cancel(timer)
  }
}

/**
 * Carries out each effect in order: the one place where a plugin's intentions become actions.
 * A `store` effect is awaited, so that what follows it happens only after it is durable; sends are
 * not, so that one slow peer does not hold up the rest. A send that fails is reported, not thrown.
 */
export async function runEffects<D extends ProtocolDefinition, Event>(
  context: ProtocolContext,
  effects: readonly Effect<D, Event>[],
  sink: EffectSink<Event>,
  timers: EffectTimers,
): Promise<void> {
  for (const effect of effects) {
    if (context.signal.aborted) return
    switch (effect.kind) {
      case 'send':
        context.send(effect.to, outgoing(effect)).catch(reporter(context, effect.to))
        break
      case 'broadcast':
        context.broadcast(outgoing(effect), effect.except ? { except: effect.except } : {}).catch(reporter(context))
        break
      case 'request':
        ask(context, effect, sink)
        break
      case 'store':
        if (effect.value === null) await context.store.delete(effect.key)
        else await context.store.put(effect.key, effect.value, { sync: effect.sync })
        break
      case 'schedule':
        timers.schedule(context, effect.timer, effect.delayMs, () => guarded(context, `timer '${effect.timer}'`, () => sink.onTimer(effect.timer)))
        break
      case 'cancel':
        timers.cancel(effect.timer)
        break
      case 'emit':
        sink.onEvent(effect.event)
        break
      case 'blame':
        context.report(new P2PError(effect.code, `peer ${effect.peerId} broke a rule`, { peerId: effect.peerId, evidence: effect.evidence }))
        break
    }
  }
}

function outgoing(effect: { type: string; payload: unknown; slot?: string }) {
  return effect.slot === undefined
    ? { type: effect.type, payload: effect.payload }
    : { type: effect.type, payload: effect.payload, slot: effect.slot }
}

function ask<Event>(
  context: ProtocolContext,
  effect: { to: string; type: string; payload: unknown; ref: string; timeoutMs: number },
  sink: EffectSink<Event>,
): void {
  context.request(effect.to, { type: effect.type, payload: effect.payload }, { timeoutMs: effect.timeoutMs, signal: context.signal }).then(
    reply => tell(context, effect.ref, sink, { payload: reply.payload }),
    (error: unknown) => tell(context, effect.ref, sink, { error }),
  )
}

function tell<Event>(context: ProtocolContext, ref: string, sink: EffectSink<Event>, answer: { payload: unknown } | { error: unknown }): void {
  guarded(context, `answer '${ref}'`, () => sink.onAnswer?.(ref, answer))
}

/** Nobody waits for what a timer or an answer sets off, so its failure is told instead of thrown; after the end, nothing is set off. */
function guarded(context: ProtocolContext, what: string, run: () => void | Promise<void>): void {
  if (context.signal.aborted) return
  const failed = (error: unknown): void => {
    if (!context.signal.aborted) context.report(new P2PError(ErrorCode.PROTOCOL_HANDLER_FAILED, `failed on its ${what}: ${textOf(error)}`, { cause: error }))
  }
  try {
    run()?.catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** A send that fails blames nobody: the link's own errors have already said who. */
function reporter(context: ProtocolContext, to?: string): (error: unknown) => void {
  return error => {
    if (context.signal.aborted) return
    context.report(new P2PError(ErrorCode.PROTOCOL_EFFECT_FAILED, `could not send${to === undefined ? '' : ` to ${to}`}: ${textOf(error)}`, { cause: error }))
  }
}
