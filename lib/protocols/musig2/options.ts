import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import type { BitcoinNetwork } from '../../bitcoin/address.ts'
import type { TweakRule } from '../../bitcoin/taproot.ts'
import type { Phase } from './events.ts'
import type { MuSig2Abort } from './abort-error.ts'
import type { SigningRequest } from './request.ts'
import type { IMuSig2Signer } from './signer.ts'

export interface MuSig2Options {
  /** Who signs here: wallets' signers, or secrets of 32 bytes, which are copied. */
  keys: IMuSig2Signer | Uint8Array | readonly (IMuSig2Signer | Uint8Array)[]
  /** Approvals need not say so for 32 bare bytes. False by default. */
  allowOpaque?: boolean
  /** Take part in sessions whose tweaks are bare numbers: who chooses one chooses the key. False by default. */
  allowRawTweaks?: boolean
  /** For the addresses in requests. `bitcoin` by default. */
  network?: BitcoinNetwork
  /** Cryptography to run on; by default JavaScript's until the fastest there is has loaded. */
  crypto?: ICryptoBackend
  /** How long finished sessions are kept for members that come back. 60 s by default. */
  lingerMs?: number
}

/** A signer by its key, and, where it is known, by its peer, which is dialled if it is not linked. */
export interface SignerInfo {
  publicKey: Uint8Array
  peer?: PeerId | PeerInfo
}

export interface SessionRequest extends WaitOptions {
  /** Compressed keys of 33 bytes, in the order of aggregation (sort them by `sortKeys` if the group's address was made so). Ours is among them. */
  signers: readonly (Uint8Array | SignerInfo)[]
  /** What is signed: these bytes, */
  message?: Uint8Array
  /** or one taproot input of this PSBT. */
  psbt?: Uint8Array
  /** 0 by default. */
  inputIndex?: number
  /** From the untweaked aggregate key to the one that signs. A PSBT's taproot tweak is found by itself. */
  tweaks?: readonly TweakRule[]
  /** Shown to the others as your word. */
  description?: string
  /** For all of it: 120 s by default. */
  timeoutMs?: number
}

export interface MuSig2Result {
  sessionId: string
  /** BIP340, 64 bytes, verified. */
  signature: Uint8Array
  /** x-only, tweaks applied: what it verifies under. */
  publicKey: Uint8Array
  /** With the signature in it, where a PSBT was signed. */
  psbt?: Uint8Array
}

export interface SessionInfo {
  sessionId: string
  phase: Phase
  signers: readonly Uint8Array[]
  /** Who speaks for each signer, as far as that is known. */
  peers: readonly (PeerId | undefined)[]
  remainingMs: number
}

export interface MuSig2Events {
  request: (request: SigningRequest) => void
  phase: (event: { sessionId: string; phase: Phase }) => void
  complete: (result: MuSig2Result) => void
  aborted: (error: MuSig2Abort) => void
}

export interface MuSig2Stats {
  sessions: number
  /** Of those, ones that others began. */
  invited: number
  secretNonces: number
  rendezvous: number
  aggregates: number
  /** Refused, passed on or failed since the start, by what it was. */
  counters: Readonly<Record<string, number>>
}
