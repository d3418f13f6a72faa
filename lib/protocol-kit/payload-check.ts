import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ProtocolDefinition } from '../contracts/protocol.ts'

/** Says whether a payload fits; `why` explains one that does not. */
export interface PayloadCheck {
  fits(payload: unknown): boolean
  /** The first misfit in words. Slow: for our own mistakes, not for hostile traffic. */
  why(payload: unknown): string
}

const ANYTHING: PayloadCheck = { fits: () => true, why: () => '' }

/**
 * The checks of one vocabulary, compiled when a word is first used: compiling all of them up
 * front would be paid by every import of a plugin.
 */
export class PayloadChecks {
  readonly #definition: ProtocolDefinition
  readonly #compiled = new Map<string, PayloadCheck>()

  constructor(definition: ProtocolDefinition) {
    this.#definition = definition
  }

  message(type: string): PayloadCheck {
    return this.#check(`message/${type}`, this.#definition.messages[type])
  }

  request(type: string): PayloadCheck {
    return this.#check(`request/${type}`, this.#definition.requests[type]?.request)
  }

  reply(type: string): PayloadCheck {
    return this.#check(`reply/${type}`, this.#definition.requests[type]?.reply)
  }

  #check(key: string, schema: TSchema | undefined): PayloadCheck {
    if (schema === undefined) return ANYTHING
    let check = this.#compiled.get(key)
    if (check === undefined) this.#compiled.set(key, (check = compile(schema)))
    return check
  }
}

function compile(schema: TSchema): PayloadCheck {
  const validator = Compile(schema)
  return {
    fits: payload => validator.Check(payload),
    why(payload) {
      const [first] = validator.Errors(payload)
      return first === undefined ? 'does not fit' : `${first.instancePath || 'the payload'} ${first.message}`
    },
  }
}
