import type { ICryptoBackend } from '../../../lib/contracts/crypto.ts'
import { flipBit } from './bytes.ts'

type Operation = Exclude<keyof ICryptoBackend, 'name' | 'curve' | 'symmetric'>
type Call = (...inputs: never[]) => unknown

export interface Planted { operation: Operation; how: string; backend: ICryptoBackend }

const throws = (): never => { throw new Error('planted') }

/** Ways for an answer to be wrong; a way that would leave an operation's answers right is not for it. */
const WAYS: Record<'bytes' | 'maybe' | 'boolean', Record<string, (original: Call) => Call>> = {
  bytes: {
    'one bit off': original => (...inputs) => flipBit(original(...inputs) as Uint8Array, 0),
    'the last bit off': original => (...inputs) => {
      const answer = original(...inputs) as Uint8Array
      return flipBit(answer, 8 * answer.length - 1)
    },
    'one byte short': original => (...inputs) => (original(...inputs) as Uint8Array).slice(1),
    'all zeros': original => (...inputs) => new Uint8Array((original(...inputs) as Uint8Array).length),
    'a throw': () => throws,
  },
  maybe: {
    'one bit off': original => (...inputs) => {
      const answer = original(...inputs) as Uint8Array | null
      return answer === null ? null : flipBit(answer, 0)
    },
    'always null': () => () => null,
    'never null': original => (...inputs) => original(...inputs) ?? new Uint8Array(33),
    'a throw instead of null': original => (...inputs) => original(...inputs) ?? throws(),
    'a throw': () => throws,
  },
  boolean: {
    'always true': () => () => true,
    'always false': () => () => false,
    'the opposite': original => (...inputs) => original(...inputs) !== true,
    'a throw': () => throws,
  },
}

const KINDS: Record<Operation, keyof typeof WAYS> = {
  sha256: 'bytes', hmacSha256: 'bytes', seal: 'bytes', open: 'maybe', stream: 'bytes',
  verify: 'boolean', isPoint: 'boolean', liftX: 'maybe', pointAdd: 'maybe', pointMultiply: 'maybe',
  publicKeyOf: 'bytes', evenSecret: 'bytes', sign: 'bytes', ecdh: 'maybe', ecdhOnce: 'maybe',
}

/** The backend with one operation wrong, for every operation and every way. */
export function everyPlanted(sound: ICryptoBackend): Planted[] {
  return (Object.keys(KINDS) as Operation[]).flatMap(operation =>
    Object.entries(WAYS[KINDS[operation]]).map(([how, spoil]) => ({
      operation, how, backend: { ...sound, [operation]: spoil(sound[operation] as Call) },
    })))
}
