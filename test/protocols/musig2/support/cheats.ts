import { toHex } from '../../../../lib/foundation/hex.ts'
import type { AbortReason } from '../../../../lib/protocols/musig2/events.ts'
import { DEADLINE, RETRY } from '../../../../lib/protocols/musig2/state.ts'
import { noncesHash, rosterHash, type Nonce, type Partial, type Statement } from '../../../../lib/protocols/musig2/statement.ts'
import { backend, bytesOf, frameOf, Signer, spoilt, type Mischief, type Table } from './table.ts'

/** Mallory is the third of four. */
export const MALLORY = 2

export interface Cheat {
  name: string
  mischief: (table: Table) => Mischief
  reason: AbortReason | 'complete'
  /** Which of two it is depends on what comes first. */
  or?: AbortReason
  /** Timers that have to run out first. */
  timers?: string[]
  /** Frames that prove it; 0 for what only each node itself can judge. */
  evidence: number
}

export const only = (type: Statement['type'], change: (statement: never, to: number) => Statement | readonly Statement[] | null): Mischief =>
  (statement, to) => statement.type === type ? change(statement as never, to) : statement

export const cheats: Cheat[] = [
  { name: 'a public nonce that is no point', mischief: () => only('nonce', (nonce: Nonce) => ({ ...nonce, nonce: new Uint8Array(66) })), reason: 'bad-nonce', evidence: 1 },
  { name: 'a public nonce of the wrong length', mischief: () => only('nonce', (nonce: Nonce) => ({ ...nonce, nonce: nonce.nonce.slice(1) })), reason: 'bad-nonce', evidence: 1 },
  { name: 'a public nonce that is infinity in one half', mischief: () => only('nonce', (nonce: Nonce) => ({ ...nonce, nonce: Uint8Array.of(...nonce.nonce.subarray(0, 33), ...new Uint8Array(33)) })), reason: 'bad-nonce', evidence: 1 },
  // Mallory's own node holds the good one still, and shows it to whoever asks what it has: then there are two.
  { name: 'a partial signature that does not verify', mischief: () => only('partial', (partial: Partial) => ({ ...partial, partial: spoilt(partial.partial) })), reason: 'bad-partial', or: 'two-partials', evidence: 5 },
  { name: 'a partial signature that is no number below n', mischief: () => only('partial', (partial: Partial) => ({ ...partial, partial: new Uint8Array(32).fill(255) })), reason: 'bad-partial', evidence: 5 },
  { name: 'a partial signature of the wrong length', mischief: () => only('partial', (partial: Partial) => ({ ...partial, partial: new Uint8Array(31) })), reason: 'bad-partial', evidence: 5 },
  {
    name: 'two public nonces, one for each half of the others',
    mischief: table => {
      const other = frameOf('the other nonce')
      const { publicNonce } = table.secretNonce(MALLORY)
      return only('nonce', (nonce: Nonce, to) => to === 0 ? { ...nonce, nonce: publicNonce, frame: other } : nonce)
    },
    reason: 'two-nonces', evidence: 2,
  },
  { name: 'two public nonces to everybody', mischief: table => { const { publicNonce } = table.secretNonce(MALLORY); return only('nonce', (nonce: Nonce) => [nonce, { ...nonce, nonce: publicNonce }]) }, reason: 'two-nonces', evidence: 2 },
  { name: 'two partial signatures, both bad', mischief: () => only('partial', (partial: Partial) => [{ ...partial, partial: spoilt(partial.partial) }, { ...partial, partial: spoilt(spoilt(partial.partial)) }]), reason: 'two-partials', or: 'bad-partial', evidence: 2 },
  { name: 'a partial signature over other nonces', mischief: table => only('partial', (partial: Partial) => ({ ...partial, partial: spoilt(partial.partial), nonces: toHex(noncesHash(backend, table.id, [bytesOf('none')])) })), reason: 'other-nonces', timers: ['justify/2'], evidence: 0 },
  { name: 'a good partial signature said to be over other nonces', mischief: table => only('partial', (partial: Partial) => ({ ...partial, nonces: toHex(noncesHash(backend, table.id, [bytesOf('none')])) })), reason: 'complete', evidence: 0 },
  { name: 'a nonce for another roster', mischief: table => only('nonce', (nonce: Nonce) => ({ ...nonce, roster: toHex(rosterHash(backend, table.id, [])) })), reason: 'other-roster', timers: ['justify/2'], evidence: 0 },
  { name: 'joins from two peers', mischief: table => only('join', (join: Statement) => [join, table.join(MALLORY, new Signer(9).peer)]), reason: 'two-joins', evidence: 2 },
  { name: 'no join', mischief: () => only('join', () => null), reason: 'silent', timers: [RETRY, DEADLINE], evidence: 0 },
  { name: 'no nonce', mischief: () => only('nonce', () => null), reason: 'silent', timers: [RETRY, DEADLINE], evidence: 0 },
  { name: 'no partial signature', mischief: () => only('partial', () => null), reason: 'silent', timers: [RETRY, DEADLINE], evidence: 0 },
  { name: 'its own word that it does not want to', mischief: table => only('nonce', () => table.abort(MALLORY, 'cancelled')), reason: 'cancelled', evidence: 0 },
  { name: 'a nonce in a second run of its program', mischief: table => { const { publicNonce } = table.secretNonce(MALLORY); return only('nonce', (nonce: Nonce) => [nonce, { ...nonce, boot: '00'.repeat(16), nonce: publicNonce }]) }, reason: 'restarted', evidence: 0 },
  { name: 'nonces to some only', mischief: () => only('nonce', (nonce: Nonce, to) => to === 0 ? null : nonce), reason: 'complete', timers: [RETRY, RETRY], evidence: 0 },
  { name: 'partial signatures to some only', mischief: () => only('partial', (partial: Partial, to) => to === 1 ? null : partial), reason: 'complete', timers: [RETRY], evidence: 0 },
]
