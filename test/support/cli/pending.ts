/** A module that never finishes loading. */
console.error("loading")
export const never: unknown = await new Promise(() => undefined)
