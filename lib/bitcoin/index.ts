/** What a wallet needs of Bitcoin beside its peers: addresses, PSBTs, MuSig2's mathematics, a node's RPC. Each usable alone. */
export { addressOfScript, outputKeyOf, scriptOfAddress, taprootAddress, taprootScript, type BitcoinNetwork } from './address.ts'
export {
  aggregateKeys, aggregateNonces, aggregatePartials, applyTweaks, InvalidContribution, isPublicNonce, KeyAggregator, SecretNonce, signingSession, sortKeys, verifyPartial,
  type AggregateKey, type ContributionKind, type NonceInputs, type SecretRandom, type SigningSession, type Tweak,
} from './bip327/index.ts'
export { BitcoinNodeRpc, NodeRpcError, type NodeRpcMethods, type NodeRpcOptions, type NodeTxOut } from './node-rpc.ts'
export { finishPsbt, keySpendOf, summarizePsbt, withKeySignature, withParticipants, type KeySpend, type PsbtSummary } from './psbt.ts'
export { applyTweakRules, derivationTweaks, taprootTweak, type TweakRule } from './taproot.ts'
