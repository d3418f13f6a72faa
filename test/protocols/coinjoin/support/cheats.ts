import { concatBytes } from '../../../../lib/foundation/bytes.ts'
import { fromHex } from '../../../../lib/foundation/hex.ts'
import { mod, writeElements } from '../../../../lib/protocols/coinjoin/field.ts'
import { paddedVector } from '../../../../lib/protocols/coinjoin/pads.ts'
import { NAK_REASONS, encodeNak, type Word, type WordType } from '../../../../lib/protocols/coinjoin/words.ts'
import { finish, type Table, type TableOptions, type Tamper } from './table.ts'

/** Each way to misbehave, by seats; what honest peers are to find out; and whether it can be shown to outsiders. */
export interface Cheat {
  readonly name: string
  /** Seats that misbehave. */
  readonly by: readonly number[]
  /** What is proven of them, or that they were voted out. */
  readonly found: readonly string[]
  /** It may complete the transaction all the same, by itself or through those it spared. */
  readonly mayComplete?: boolean
  options(by: readonly number[]): Pick<TableOptions, 'tampers' | 'hooks' | 'ears'>
}

const all = <T>(by: readonly number[], value: T): Record<number, T> => Object.fromEntries(by.map(number => [number, value]))

/** In place of words of this type, in every run in which it is said. */
function instead(types: readonly WordType[], tamper: (table: Table) => Tamper): (by: readonly number[]) => Pick<TableOptions, 'tampers'> {
  return by => ({
    tampers: all(by, (table: Table): Tamper => {
      const other = tamper(table)
      return (word, to, seat) => (types.includes(word.type) ? other(word, to, seat) : [word])
    }),
  })
}

/** The same bytes but for one that is changed. */
function flipped(table: Table, word: Word, at: number): Word {
  const body = word.body.slice()
  body[at]! ^= 1
  return table.makeWord(word.author, word.run, word.type, body)
}

/** The vector that would be right, changed before it is committed to. */
function vectorInstead(change: (vector: bigint[], table: Table) => bigint[]): (by: readonly number[]) => Pick<TableOptions, 'hooks'> {
  return by => ({
    hooks: all(by, (effect, seat, table) => {
      if (effect.kind !== 'pad') return false
      const vector = finish(paddedVector(table.crypto, fromHex(effect.run), effect.index, effect.secret, effect.publicKeys, effect.message))
      table.tell(seat, { kind: 'vector', run: effect.run, vector: change(vector, table) })
      return true
    }),
  })
}

/** Says that its search found nothing, and hears nobody who found something. */
const deaf = (by: readonly number[]): Pick<TableOptions, 'ears'> => ({
  ears: all(by, input => (input.kind === 'hint' ? null : input.kind === 'solved' ? { ...input, roots: null } : input)),
})

const half = (table: Table, to: string): boolean => table.seatOf(to).number % 2 === 0

const silentIn = (name: string, types: readonly WordType[]): Cheat => ({ name: `silence at ${name}`, by: [1], found: ['silence'], options: instead(types, () => () => []) })
/** One of the two may be at fault by itself as well. */
const twoWords = (type: WordType, at: number, ...alone: string[]): Cheat => ({
  name: `two different ${type} words, to half of the peers each`, by: [1], found: ['EQUIV', ...alone],
  options: instead([type], table => (word, to) => [half(table, to) ? word : flipped(table, word, at)]),
})

export const CHEATS: readonly Cheat[] = [
  { name: 'a garbage vector', by: [1], found: ['BADVECTOR'], options: vectorInstead((vector, table) => vector.map((_, k) => mod(BigInt(k + 1) * BigInt(`0x${Buffer.from(table.random(32)).toString('hex')}`)))) },
  { name: 'one wrong element', by: [2], found: ['BADVECTOR'], options: vectorInstead(vector => vector.map((element, k) => (k === 1 ? mod(element + 1n) : element))) },
  { name: 'a wrong pad', by: [0], found: ['BADVECTOR'], options: vectorInstead(vector => vector.map((element, k) => mod(element + BigInt(7 ** (k + 1))))) },
  { name: 'an off-curve key', by: [1], found: ['BADMSG'], options: instead(['ke'], table => word => [table.makeWord(word.author, word.run, 'ke', concatBytes(Uint8Array.of(2), new Uint8Array(32), word.body.subarray(33)))]) },
  { name: 'a key without proof of possession', by: [1], found: ['BADMSG'], options: instead(['ke'], table => word => [flipped(table, word, 40)]) },
  {
    name: 'the copied key of another', by: [1], found: ['BADMSG'],
    options: instead(['ke'], table => word => {
      const other = table.seats.find(({ said }) => said.some(({ type, run, author }) => type === 'ke' && run === word.run && author !== word.author))
      const theirs = other?.said.find(({ type, run }) => type === 'ke' && run === word.run)
      return [theirs === undefined ? flipped(table, word, 50) : table.makeWord(word.author, word.run, 'ke', theirs.body)]
    }),
  },
  {
    name: 'two peers with one output key', by: [0, 2], found: ['SAMEKEY'],
    options: by => ({
      ears: all(by, input => (input.kind === 'keys' ? { ...input, outputKey: fromHex('79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798') } : input)),
    }),
  },
  {
    name: 'an output key that is none', by: [1], found: ['BADKEY'],
    // 5 is no x-coordinate.
    options: by => ({ ears: all(by, input => (input.kind === 'keys' ? { ...input, outputKey: writeElements([5n]) } : input)) }),
  },
  { name: 'a vector that was not committed to', by: [1], found: ['BADCOMMIT'], options: instead(['dc'], table => word => [flipped(table, word, 63)]) },
  { name: 'an element above the field', by: [1], found: ['BADMSG'], options: instead(['dc'], table => word => [table.makeWord(word.author, word.run, 'dc', concatBytes(word.body.subarray(0, 64), new Uint8Array(32).fill(0xff), word.body.subarray(96)))]) },
  { name: 'a false alarm', by: [1], found: ['FALSEALARM'], options: deaf },
  {
    name: 'a false alarm with a false secret', by: [1], found: ['BADSECRET'],
    options: by => ({ ...deaf(by), ...instead(['rv'], table => word => [flipped(table, word, 70)])(by) }),
  },
  {
    name: 'a false alarm with a false message', by: [1], found: ['BADVECTOR'],
    options: by => ({ ...deaf(by), ...instead(['rv'], table => word => [flipped(table, word, 127)])(by) }),
  },
  { name: 'a false alarm, then silence', by: [1], found: ['silence'], options: by => ({ ...deaf(by), ...instead(['rv'], () => () => [])(by) }) },
  {
    name: 'ACK here and NAK there', by: [1], found: ['EQUIV'],
    options: instead(['ack'], table => (word, to) => [half(table, to) ? word : table.makeWord(word.author, word.run, 'nak', encodeNak({ prev: word.body.subarray(0, 32), reason: NAK_REASONS.mine }))]),
  },
  {
    name: 'a NAK after all have acknowledged', by: [1], found: ['EQUIV'],
    options: instead(['sg'], table => word => {
      const ack = table.seatOf(word.author).said.find(({ type, run }) => type === 'ack' && run === word.run)!
      return [table.makeWord(word.author, word.run, 'nak', encodeNak({ prev: ack.body.subarray(0, 32), reason: NAK_REASONS.mine }))]
    }),
  },
  { name: 'a wrong txid', by: [1], found: ['BADACK'], options: instead(['ack'], table => word => [flipped(table, word, 63)]) },
  { name: 'a wrong signature', by: [1], found: ['BADSIG'], options: instead(['sg'], table => word => [flipped(table, word, 60)]) },
  { name: 'signatures of another length', by: [1], found: ['BADMSG'], options: instead(['sg'], table => word => [table.makeWord(word.author, word.run, 'sg', word.body.subarray(0, 40))]) },
  { name: 'a word that cites what nobody said', by: [1], found: ['silence'], options: instead(['cm'], table => word => [flipped(table, word, 3)]) },
  twoWords('ke', 40, 'BADMSG'), twoWords('cm', 63), twoWords('dc', 63, 'BADCOMMIT'), twoWords('ack', 63, 'BADACK'), { ...twoWords('sg', 60, 'BADSIG'), mayComplete: true },
  silentIn('KE', ['ke']), silentIn('CM', ['cm']), silentIn('DC', ['dc']), { ...silentIn('ACK', ['ack', 'nak']), found: ['silence', 'left'] }, { ...silentIn('SG', ['sg', 'rv']), options: by => ({ ...instead(['sg'], () => () => [])(by), hooks: all(by, effect => effect.kind === 'broadcast') }) },
  { ...silentIn('SG, and sending the transaction itself', ['sg']), mayComplete: true },
]
