/** BIP327, MuSig2's mathematics: public steps on any backend, secret ones by @scure/btc-signer. */
export { InvalidContribution, type ContributionKind } from './contribution.ts'
export { aggregateKeys, applyTweaks, KeyAggregator, sortKeys, type AggregateKey, type Tweak } from './key-aggregation.ts'
export { addNonces, aggregateNonces, isPublicNonce } from './nonces.ts'
export { SecretNonce, secretRandom, type NonceInputs, type SecretRandom } from './secret-steps.ts'
export { aggregatePartials, signingSession, verifyPartial, type SigningSession } from './signing-session.ts'
