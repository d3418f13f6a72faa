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
  return Object.freeze({ requests: {} as Requests, ...definition }) as DefinedProtocol<Name, Messages, Requests>
}

const NAME_BYTES_MAX = 64
const VERSION_MAX = 65_535
/** A refusal travels under this type: no protocol may use it for its own. */
export const REFUSAL_TYPE = 'error'

function checkDefinition(definition: Pick<ProtocolDefinition, 'name' | 'version' | 'messages'> & { requests?: object }): void {
  const types = [...Object.keys(definition.messages), ...Object.keys(definition.requests ?? {})]
  for (const name of [definition.name, ...types]) {
    if (name.length === 0 || new TextEncoder().encode(name).length > NAME_BYTES_MAX) {
      throw new RangeError(`a protocol's name and types are 1 to ${NAME_BYTES_MAX} bytes of UTF-8, got ${JSON.stringify(name)}`)
    }
  }
  if (types.includes(REFUSAL_TYPE)) throw new RangeError(`${definition.name}: the type '${REFUSAL_TYPE}' is the wire's own, choose another`)
  const twice = types.find((type, index) => types.indexOf(type) !== index)
  if (twice !== undefined) throw new RangeError(`${definition.name}: '${twice}' is both a message and a request, choose another name for one`)
  if (!Number.isInteger(definition.version) || definition.version < 0 || definition.version > VERSION_MAX) {
    throw new RangeError(`${definition.name}: version must be a whole number from 0 to ${VERSION_MAX}, got ${definition.version}`)
  }
}
