import { toHex } from '../../../../lib/foundation/hex.ts'
import type { Seat, Table } from './table.ts'

/** What must hold of those who keep to the rules, whatever the others do: every breach in words. */
export function breaches(table: Table, cheaters: readonly number[]): string[] {
  const honest = table.seats.filter(({ number }) => !cheaters.includes(number))
  const cheats = new Set(cheaters.map(number => table.seats[number]!.key))
  const found: string[] = []
  for (const seat of honest) {
    const finals = seat.said.filter(({ type }) => type === 'rv' || type === 'sg')
    for (const { run } of finals) if (new Set(finals.filter(word => word.run === run).map(({ type }) => type)).size > 1) found.push(`${seat.number} both signed and revealed in ${run.slice(0, 8)}`)
    for (const { run, type } of finals) if (!wroteDown(seat, `final/${run}`)) found.push(`${seat.number} said ${type} without writing it down`)
    if (new Set(seat.outputKeys).size !== seat.outputKeys.length) found.push(`${seat.number} used a key twice`)
    const slots = seat.said.map(({ run, type }) => `${run}/${type}`)
    if (new Set(slots).size !== slots.length) found.push(`${seat.number} said two things in one slot`)
    for (const cause of seat.excluded) for (const key of cause.blamed) {
      if (!cheats.has(key)) found.push(`${seat.number} threw out the honest ${table.seatOf(key).number} for ${cause.kind === 'fault' ? cause.fault : cause.kind}`)
    }
  }
  const secrets = honest.flatMap(({ secrets: drawn }) => [...drawn.values()].map(toHex))
  if (new Set(secrets).size !== secrets.length) found.push('a pad secret was used twice')
  // A run in which an honest peer revealed has no transaction.
  const revealed = new Set(honest.flatMap(({ said }) => said.filter(({ type }) => type === 'rv').map(({ run }) => run)))
  for (const seat of honest) for (const { run, type } of seat.said) {
    if (type === 'sg' && revealed.has(run) && honest.every(other => other.said.some(word => word.run === run && word.type === 'sg'))) found.push(`${run.slice(0, 8)} was revealed and can confirm`)
  }
  if (table.chain.length > 1) found.push(`${table.chain.length} transactions have confirmed`)
  return found
}

function wroteDown(seat: Seat, key: string): boolean {
  return seat.stored.some(entry => entry.key === key)
}
