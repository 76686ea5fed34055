/** For agents whose failures, bugs included, are what a test looks at: nothing that they do ends their job. */
export const discardAll = {
  error: "discard",
  timeout: "discard",
  panic: "discard",
  crash: "discard",
  conflict: "discard",
  invalid: "discard"
} as const
