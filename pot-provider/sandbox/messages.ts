/** What is said between the service and a sandbox: one line of JSON for each message, the sandbox's first is READY. */

export const READY = "ready";

export type Task =
  | {
    readonly name: "attest";
    readonly program: string;
    readonly globalName: string;
    readonly interpreter: string;
    /** The page's `yt.config_`; null when the challenge came without a page. */
    readonly config: Record<string, unknown> | null;
    readonly userAgent: string;
    readonly patience: number;
  }
  | { readonly name: "install"; readonly integrityToken: string }
  | { readonly name: "mint"; readonly contentBinding: string };

export interface Order {
  readonly id: number;
  readonly task: Task;
}

export type Reply = { readonly id: number; readonly result: string } | {
  readonly id: number;
  readonly error: string;
};
