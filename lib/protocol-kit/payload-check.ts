import type { TSchema } from 'typebox'
import type { ProtocolDefinition } from '../contracts/protocol.ts'

/** Says whether a payload fits; `why` explains one that does not. */
export interface PayloadCheck {
  fits(payload: unknown): boolean
  /** The first misfit in words. Slow: for our own mistakes, not for hostile traffic. */
  why(payload: unknown): string
}

const ANYTHING: PayloadCheck = { fits: () => true, why: () => '' }

type Compiler = typeof import('typebox/schema')['Compile']
let compiler: Compiler | undefined
let loading: Promise<void> | undefined

/** Loads the schema compiler, which is too heavy to be loaded by everybody who imports the package. */
export function loadPayloadChecker(): Promise<void> {
  return (loading ??= import('typebox/schema').then(module => {
    compiler = module.Compile
  }))
}

/** True once checks can be made at once. */
export function payloadCheckerReady(): boolean {
  return compiler !== undefined
}

/** The checks of one vocabulary, each compiled when its word is first used. */
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
    let check = this.#compiled.get(key)
    if (check === undefined) this.#compiled.set(key, (check = schema === undefined ? ANYTHING : compile(schema)))
    return check
  }
}

/** Where a strict content security policy forbids `eval`, the compiler interprets the schema instead. */
function compile(schema: TSchema): PayloadCheck {
  if (compiler === undefined) throw new TypeError('loadPayloadChecker() first')
  const validator = compiler(schema)
  return {
    fits: payload => validator.Check(payload),
    why(payload) {
      const [, errors] = validator.Errors(payload)
      const first = errors[0]
      return first === undefined ? 'does not fit' : `${first.instancePath || 'the payload'} ${first.message}`
    },
  }
}
