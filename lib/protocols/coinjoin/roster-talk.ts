import type { IChainSource } from '../../bitcoin/chain-source.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { toHex } from '../../foundation/hex.ts'
import { readCause } from './causes.ts'
import { orderedRoster } from './evidence.ts'
import { sessionId } from './hashes.ts'
import { FRAMES_MAX, PEERS_MAX, ROSTER_REPEATS_MAX, RUNS_MAX } from './limits.ts'
import { framesOf } from './member-effects.ts'
import type { MixParams } from './params.ts'
import { coinObjection, formObjection } from './pr-check.ts'
import { prOf, type Pr } from './pr.ts'
import type { PrPool } from './pr-pool.ts'
import type { Sliced } from './roots.ts'
import { isMostlyGone, trimmedRoster } from './rosters.ts'
import type { Cause, SessionInput } from './session-types.ts'
import type { Session } from './session.ts'
import { hexBytes } from './words.ts'

interface Surroundings {
  context(): ProtocolContext
  readonly crypto: ICryptoBackend
  readonly params: MixParams
  readonly paramsHash: Uint8Array
  readonly epoch: number
  readonly chain: IChainSource | undefined
  readonly pool: PrPool
  verify(frame: Uint8Array): Promise<P2PMessage>
  run<T>(work: Sliced<T>): Promise<T>
  session(): Session | undefined
  roster(): readonly Pr[]
  step(input: SessionInput): void
  /** Another PR is here: words of its author count from now on. */
  retry(): Promise<void>
  begin(roster: readonly Pr[]): void
  fail(why: string): void
}

const ASK_TIMEOUT_MS = 8_000
/** What another roster is settled after: by then every KE that comes has come. */
const SETTLE_MS = 4_000

/** How peers whose runs have different names find out why, and agree: by showing what led to them. */
export class RosterTalk {
  readonly #around: Surroundings
  readonly #asked = new Set<string>()
  readonly #claims = new Map<PeerId, readonly string[]>()
  /** The rosters of runs that we have been told about. */
  readonly #rosters = new Map<string, readonly string[]>()
  readonly #begun = new Set<string>()
  #heldAtClose: readonly string[] | undefined
  #repeats = 0
  #settling: Disposable | undefined

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** A session has begun: its roster is what we ourselves cite. */
  opened(): void {
    const ids = this.#around.roster().map(({ id }) => id)
    this.#heldAtClose ??= ids
    this.#begun.add(String(ids))
    this.#asked.clear()
  }

  /** Somebody speaks in a run that we do not know. Each is asked about each once. */
  async learn(from: PeerId, run: string): Promise<void> {
    const { context, session, roster, step } = this.#around
    const told = this.#rosters.get(run)
    if (told !== undefined) return void this.#claims.set(from, told)
    const key = `${from}/${run}`
    if (this.#asked.has(key) || this.#asked.size > PEERS_MAX * RUNS_MAX || session() === undefined) return
    this.#asked.add(key)
    try {
      const { payload } = await context().request(from, { type: 'about', payload: { run: hexBytes(run) } }, { timeoutMs: ASK_TIMEOUT_MS, signal: context().signal })
      const { prs, causes } = payload as { prs?: unknown; causes?: unknown }
      if (!(prs instanceof Uint8Array) || !Array.isArray(causes) || prs.length === 0) return
      const ids = idsOf(prs)
      if (String(ids) !== String(roster().map(({ id }) => id))) return await this.#differ(from, run, ids)
      const held = await this.#fetchCauses(from, causes as unknown[])
      if (held.length > 0) step({ kind: 'causes', run, causes: held })
    } catch {
      // It is gone, or does not answer: votes find out.
    }
  }

  /** In their order: each may rest on those before it. */
  async #fetchCauses(from: PeerId, ids: readonly unknown[]): Promise<Cause[]> {
    const { context, crypto, params, paramsHash, epoch, roster, verify, run } = this.#around
    const excluded = new Set<PeerId>()
    const causes: Cause[] = []
    for (const id of ids.slice(0, PEERS_MAX)) {
      if (!(id instanceof Uint8Array) || id.length !== 32) return causes
      const { payload } = await context().request(from, { type: 'cause', payload: { id } }, { timeoutMs: ASK_TIMEOUT_MS, signal: context().signal })
      const bytes = (payload as { cause?: unknown } | null)?.cause
      if (!(bytes instanceof Uint8Array) || toHex(crypto.sha256(bytes)) !== toHex(id)) return causes
      const session = toHex(sessionId(crypto, paramsHash, epoch, roster().map(pr => hexBytes(pr.id))))
      const cause = await readCause(bytes, { crypto, params, verify, run, roster: roster(), epoch, session, excluded })
      if (cause === null) return causes
      for (const key of cause.blamed) excluded.add(key)
      causes.push(cause)
    }
    return causes
  }

  /** Its roster is another. What all KEs cite is counted once no more of them are to come. */
  async #differ(from: PeerId, run: string, ids: readonly string[]): Promise<void> {
    if (ids.length > PEERS_MAX || new Set(ids).size !== ids.length) return
    this.#claims.set(from, ids)
    this.#rosters.set(run, ids)
    const { context, pool } = this.#around
    const unknown = ids.filter(id => pool.get(id) === undefined).slice(0, FRAMES_MAX)
    if (unknown.length > 0) {
      const payload = { ids: Uint8Array.from(unknown.flatMap(id => [...hexBytes(id)])) }
      const { payload: answer } = await context().request(from, { type: 'these-prs', payload }, { timeoutMs: ASK_TIMEOUT_MS, signal: context().signal })
      for (const frame of framesOf(answer)) await this.#addPr(frame)
    }
    this.#settling ??= context().clock.schedule(SETTLE_MS, () => {
      this.#settling = undefined
      this.#settle()
    })
  }

  async #addPr(frame: Uint8Array): Promise<void> {
    const { crypto, params, paramsHash, epoch, chain, pool, verify, context } = this.#around
    const pr = prOf(crypto, await verify(frame))
    if (pr === null || pr.epoch !== epoch || formObjection(crypto, params, paramsHash, pr) !== null) return
    if (chain !== undefined && await coinObjection(chain, params, pr, context().signal) !== null) return
    if (pool.add(pr, true) === 'new') await this.#around.retry()
  }

  #settle(): void {
    const { crypto, params, pool, roster, session, context, begin, fail } = this.#around
    const run = session()?.run
    if (run === undefined || session()?.outcome !== undefined || context().signal.aborted) return
    const mine = roster().map(({ id }) => id)
    const claims = new Map(this.#claims)
    for (const word of run.transcript.words('ke')) claims.set(word.author, mine)
    const owners = new Map(pool.all.map(({ id, author }) => [id, author]))
    const trimmed = trimmedRoster(claims, owners).flatMap(id => (pool.isStruck(id) ? [] : pool.get(id) ?? []))
    const next = orderedRoster(crypto, params, trimmed)
    const ids = next.map(({ id }) => id)
    if (String(ids) === String(mine)) return
    if (isMostlyGone(this.#heldAtClose ?? [], ids)) return fail('more than a third of those who asked to take part are not in the roster of the others')
    if (!next.some(({ author }) => author === context().localPeer.peerId)) return fail('the others do not have us in their roster: our request came too late')
    // A run of that name is under way, or was: its keys are used.
    if (this.#begun.has(String(ids))) return fail('the members did not agree on a roster: one that was given up has come back')
    if (this.#repeats++ >= ROSTER_REPEATS_MAX) return fail(`the members did not agree on a roster in ${ROSTER_REPEATS_MAX} repeats`)
    begin(next)
  }
}

function idsOf(bytes: Uint8Array): string[] {
  const ids: string[] = []
  for (let at = 0; at + 32 <= bytes.length; at += 32) ids.push(toHex(bytes.subarray(at, at + 32)))
  return ids
}
