/** How long is waited for what, in milliseconds. Handed to the parts, so that no test has to wait as long. */
export interface Patience {
  /** For a token, everything included. The plugin gives up after 20 s. */
  readonly token: number;
  /** For an attestation: a little less, so that it says itself what it was waiting for. */
  readonly attestation: number;
  /**
   * For the answers under way when the service is asked to end: whoever has none by then is told so. The local
   * launcher kills 15 s after it asked, Compose 20 s.
   */
  readonly draining: number;
  /** For those answers to reach their clients. */
  readonly parting: number;
  /** Between two looks at what expires, and at whether a spare sandbox is there. */
  readonly tending: number;
}

export const PATIENCE: Patience = {
  token: 17_000,
  attestation: 16_000,
  draining: 13_000,
  parting: 1_000,
  tending: 15_000,
};
