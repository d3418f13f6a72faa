import { ErrorCode, P2PError } from '../contracts/errors.ts'

/** What a transport or a channel throws; `code` says which of the `ERR_TRANSPORT_*` it is. */
export class TransportError extends P2PError {
  override readonly name = 'TransportError'
}

/** Addresses come from strangers too: quoted, so that they cannot forge a log line, and cut. */
const ADDRESS_LENGTH_MAX = 200

export function quoted(address: string): string {
  return JSON.stringify(address.length > ADDRESS_LENGTH_MAX ? `${address.slice(0, ADDRESS_LENGTH_MAX)}...` : address)
}

export function dialFailed(address: string, why: string, cause?: unknown): TransportError {
  return new TransportError(ErrorCode.TRANSPORT_DIAL_FAILED, `could not dial ${quoted(address)}: ${why}`, { cause })
}

export function listenFailed(address: string, why: string, cause?: unknown): TransportError {
  return new TransportError(ErrorCode.TRANSPORT_LISTEN_FAILED, `could not listen on ${quoted(address)}: ${why}`, { cause })
}

export function channelBroken(remoteAddress: string, why: string, cause?: unknown): TransportError {
  return new TransportError(ErrorCode.TRANSPORT_CHANNEL_BROKEN, `the channel with ${remoteAddress} broke: ${why}`, { cause })
}

export function channelClosed(remoteAddress: string, cause?: unknown): TransportError {
  return new TransportError(ErrorCode.TRANSPORT_CHANNEL_CLOSED, `the channel with ${remoteAddress} is closed`, { cause })
}

/** `bytes` is undefined where the frame was refused before its length was known. */
export function frameTooLarge(remoteAddress: string, bytes: number | undefined, bytesMax: number): TransportError {
  const got = bytes === undefined ? 'more' : `${bytes}`
  return new TransportError(ErrorCode.TRANSPORT_FRAME_TOO_LARGE, `expected a frame of at most ${bytesMax} bytes with ${remoteAddress}, got ${got}`)
}

/** The text of whatever was thrown; Node's AggregateError of several dials has a code only. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || (error as { code?: string }).code || error.name
}
