import type { TSchema } from 'typebox'
import type { ProtocolDefinition, RequestSchema } from '../contracts/protocol.ts'

/** What a definition looks like once its words are known to the compiler. */
export interface DefinedProtocol<
  Name extends string,
  Messages extends Record<string, TSchema>,
  Requests extends Record<string, RequestSchema>,
> extends ProtocolDefinition {
  readonly name: Name
  readonly messages: Messages
  readonly requests: Requests
}

/**
 * Declares a protocol's vocabulary: one-way words in `messages`, questions with their answers in
 * `requests`, each with a typebox schema that both checks the payload and gives its static type.
 * Throws TypeError or RangeError for a name, version or size the wire could not carry.
 */
export function defineProtocol<
  const Name extends string,
  const Messages extends Record<string, TSchema>,
  const Requests extends Record<string, RequestSchema> = {},
>(definition: {
  name: Name
  version: number
  auth?: ProtocolDefinition['auth']
  messageBytesMax?: number
  messages: Messages
  requests?: Requests
}): DefinedProtocol<Name, Messages, Requests> {
  checkDefinition(definition)
  return Object.freeze({ ...definition, requests: definition.requests ?? {} }) as DefinedProtocol<Name, Messages, Requests>
}

const NAME_BYTES_MAX = 64
const VERSION_MAX = 65_535
/** What the wire carries in fragments at most (limits.largeMessageBytesMax). */
const MESSAGE_BYTES_MAX = 1_048_576
/** A refusal travels under this type: no protocol may use it for its own. */
export const REFUSAL_TYPE = 'error'

/** As the caller wrote it: with types that TypeScript believes and JavaScript does not know. */
interface Unchecked extends Pick<ProtocolDefinition, 'name' | 'version' | 'messages'> {
  auth?: ProtocolDefinition['auth'] | undefined
  messageBytesMax?: number | undefined
  requests?: Record<string, RequestSchema> | undefined
}

function checkDefinition(definition: Unchecked): void {
  if (typeof definition !== 'object' || definition === null) throw new TypeError(`expected a definition { name, version, messages }, got ${definition === null ? 'null' : typeof definition}`)
  const { name, version, messages, requests = {}, auth, messageBytesMax } = definition
  checkName(name)
  for (const [key, table] of Object.entries({ messages, requests })) {
    if (typeof table !== 'object' || table === null) throw new TypeError(`${name}: ${key} must be an object of schemas by type, got ${table === null ? 'null' : typeof table}`)
  }
  checkTypes(name, [...Object.keys(messages), ...Object.keys(requests)])
  checkSchemas(name, messages, requests)
  checkAuth(name, auth, [...Object.keys(messages), ...Object.keys(requests)])
  if (!Number.isInteger(version) || version < 0 || version > VERSION_MAX) {
    throw new RangeError(`${name}: version must be a whole number from 0 to ${VERSION_MAX}, got ${version}`)
  }
  if (messageBytesMax !== undefined && !(messageBytesMax > 0 && messageBytesMax <= MESSAGE_BYTES_MAX)) {
    throw new RangeError(`${name}: messageBytesMax must be a number from 1 to ${MESSAGE_BYTES_MAX}, got ${messageBytesMax}`)
  }
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') throw new TypeError(`a protocol's name and types are texts, got ${typeof name}`)
  if (name.length > 0 && new TextEncoder().encode(name).length <= NAME_BYTES_MAX) return
  throw new RangeError(`a protocol's name and types are 1 to ${NAME_BYTES_MAX} bytes of UTF-8, got ${JSON.stringify(name)}`)
}

function checkTypes(name: string, types: readonly string[]): void {
  types.forEach(checkName)
  if (types.includes(REFUSAL_TYPE)) throw new RangeError(`${name}: the type '${REFUSAL_TYPE}' is the wire's own, choose another`)
  const twice = types.find((type, index) => types.indexOf(type) !== index)
  if (twice !== undefined) throw new RangeError(`${name}: '${twice}' is both a message and a request, choose another name for one`)
}

function checkSchemas(name: string, messages: ProtocolDefinition['messages'], requests: Record<string, RequestSchema>): void {
  const schemas = { ...messages }
  for (const [type, pair] of Object.entries(requests)) Object.assign(schemas, { [`${type}.request`]: pair?.request, [`${type}.reply`]: pair?.reply })
  for (const [type, schema] of Object.entries(schemas)) {
    if (typeof schema !== 'object' || schema === null) throw new TypeError(`${name}: '${type}' needs a typebox schema, got ${schema === null ? 'null' : typeof schema}`)
  }
}

/** A word misspelt here would ask for a signature where none was meant to be, or be thought to. */
function checkAuth(name: string, auth: ProtocolDefinition['auth'] | undefined, types: readonly string[]): void {
  if (auth === undefined) return
  for (const [type, level] of typeof auth === 'string' ? [['auth', auth]] : Object.entries(auth)) {
    if (level !== 'signature' && level !== 'channel') throw new RangeError(`${name}: auth is 'signature' or 'channel', got ${JSON.stringify(level)} for '${type}'`)
    if (typeof auth !== 'string' && !types.includes(type!)) throw new RangeError(`${name}: auth names '${type}', which is none of its types`)
  }
}
