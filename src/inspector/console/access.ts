/**
 * The rights of the viewer: what its token allows. Without the right to steer, the page shows no button that would be
 * refused.
 */
import { computed, effect, signal } from "@preact/signals"
import { ask, isReached, token } from "./api.ts"
import type { Me } from "./shapes.ts"

const me = signal<Me | undefined>(undefined)

/** False until the server has said so. */
export const maySteer = computed(() => me.value?.scopes.includes("steer") ?? false)

/** The name of the viewer's token. Undefined on a server without tokens, and before the server has said so. */
export const tokenName = computed(() => me.value?.name ?? undefined)

/** Whether the viewer may delete jobs, which a token for some programs may not. */
export const mayDelete = computed(() => maySteer.value && me.value?.programs === null)

effect(() => {
  const { value: sent } = token
  // Asks again when a server that was away is back.
  if (!isReached.value) return
  void ask<Me>("me").then((answer) => {
    if (token.peek() === sent) me.value = answer?.ok === true ? answer.value : undefined
  })
})
