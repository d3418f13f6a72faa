import type { PeerId } from '../../contracts/message.ts'

/** What each peer that has sent a KE takes the roster to be: PR ids, in order. */
export type Claims = ReadonlyMap<PeerId, readonly string[]>

/**
 * Where rosters differ: the PRs that more than half of those who sent KE cite, and whose own owner sent KE. `owners` names the author of
 * each PR.
 */
export function trimmedRoster(claims: Claims, owners: ReadonlyMap<string, PeerId>): string[] {
  const counts = new Map<string, number>()
  for (const ids of claims.values()) for (const id of new Set(ids)) counts.set(id, (counts.get(id) ?? 0) + 1)
  return [...counts].filter(([id, count]) => count * 2 > claims.size && claims.has(owners.get(id) ?? '')).map(([id]) => id)
}

/** True where so many of those that we held at the close are gone that it is rather we who are cut off, or surrounded. */
export function isMostlyGone(heldAtClose: readonly string[], now: readonly string[]): boolean {
  return heldAtClose.filter(id => !now.includes(id)).length * 3 > heldAtClose.length
}
