import type { TSchema } from 'typebox'
import type { ProtocolDefinition } from '../contracts/protocol.ts'

/** Says whether a payload fits; `why` explains one that does not. */
export interface PayloadCheck {
  fits(payload: unknown): boolean
  /** The first misfit in words. Slow: for our own mistakes, not for hostile traffic. */
  why(payload: unknown): string
}

type Compiler = typeof import('typebox/schema')['Compile']
let compiler: Compiler | undefined
let loading: Promise<void> | undefined

/** Loads the schema compiler, which is too heavy to be loaded by everybody who imports the package. */
export function loadPayloadChecker(): Promise<void> {
  return (loading ??= load())
}

/**
 * It counts as ready directly before those go on who waited for it, not a step earlier: a message that comes in between
 * must not overtake theirs.
 */
function load(): Promise<void> {
  let found: Compiler
  const loaded = import('typebox/schema').then(module => {
    found = module.Compile
  })
  loaded.then(() => (compiler = found), () => (loading = undefined))
  return loaded
}

/** True once checks can be made at once. */
export function payloadCheckerReady(): boolean {
  return compiler !== undefined
}

/** The checks of one vocabulary, each compiled when its word is first used. Asking for a word it does not have throws TypeError. */
export class PayloadChecks {
  readonly #definition: ProtocolDefinition
  readonly #compiled = { message: new Map<string, PayloadCheck>(), request: new Map<string, PayloadCheck>(), reply: new Map<string, PayloadCheck>() }

  constructor(definition: ProtocolDefinition) {
    this.#definition = definition
  }

  message(type: string): PayloadCheck {
    return this.#compiled.message.get(type) ?? this.#check('message', type, own(this.#definition.messages, type))
  }

  request(type: string): PayloadCheck {
    return this.#compiled.request.get(type) ?? this.#check('request', type, own(this.#definition.requests, type)?.request)
  }

  reply(type: string): PayloadCheck {
    return this.#compiled.reply.get(type) ?? this.#check('reply', type, own(this.#definition.requests, type)?.reply)
  }

  #check(kind: 'message' | 'request' | 'reply', type: string, schema: TSchema | undefined): PayloadCheck {
    if (schema === undefined) throw new TypeError(`${this.#definition.name} has no ${kind} '${type}'; its definition names what it can say`)
    const check = compile(schema)
    this.#compiled[kind].set(type, check)
    return check
  }
}

/** What the definition itself says, not what every object has. */
function own<T>(table: Readonly<Record<string, T>>, type: string): T | undefined {
  return Object.hasOwn(table, type) ? table[type] : undefined
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
