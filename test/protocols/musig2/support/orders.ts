import type { Statement } from '../../../../lib/protocols/musig2/statement.ts'
import { Table } from './table.ts'

/** All orders of a list. */
export function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield []
  for (const [at, item] of items.entries()) for (const rest of permutations([...items.slice(0, at), ...items.slice(at + 1)])) yield [item, ...rest]
}

/** A session with everything that was said in it. */
export function played(count: number): { table: Table; joins: Statement[]; nonces: Statement[]; partials: Statement[] } {
  const table = new Table(count)
  const joins = table.signers.map(({ index }) => table.join(index))
  const nonces = table.signers.map(({ index }) => table.nonce(index))
  const all = nonces.map(({ nonce }) => nonce)
  return { table, joins, nonces, partials: table.signers.map(({ index }) => table.partial(index, all)) }
}

/** What alice holds in the end when the others' words come in this order; her own come when her rules ask for them. */
export function end({ table, joins, nonces, partials }: ReturnType<typeof played>, order: readonly Statement[]): string {
  const alice = table.state(0)
  const asked: Statement[] = []
  const hear = (statement: Statement): void => run(alice.handle({ kind: 'statement', statement }))
  const run = (effects: ReturnType<typeof alice.handle>): void => {
    for (const { kind } of effects) {
      if (kind !== 'join' && kind !== 'nonce' && kind !== 'sign') continue
      const own = { join: joins, nonce: nonces, sign: partials }[kind][0]!
      if (asked.includes(own)) throw new Error(`${kind} was asked for twice`)
      asked.push(own)
      hear(own)
    }
  }
  run(alice.handle({ kind: 'consent' }))
  order.forEach(hear)
  if (asked.length !== 3) throw new Error(`asked for ${asked.length} of join, nonce and partial signature`)
  return `${alice.phase} ${alice.signature?.join()}`
}
