/** The steps to a token, as errors, logs and metrics name them. */
export type Stage =
  | "request"
  | "proxy"
  | "home page"
  | "challenge"
  | "interpreter"
  | "sandbox"
  | "attestation"
  | "integrity token"
  | "mint";

/**
 * A step that did not work. The message, "stage: reason", is what yt-dlp shows to its user, so a reason never
 * carries a password, a token or visitor data.
 */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(readonly stage: Stage, readonly reason: string) {
    super(`${stage}: ${reason}`);
  }

  /** Whatever was thrown, as a failure of this stage. Text nobody has checked is not repeated. */
  static of(error: unknown, stage: Stage): Failure {
    if (error instanceof Failure) return error;
    return new Failure(stage, error instanceof Error ? `unexpected ${error.name}` : "unexpected error");
  }
}
