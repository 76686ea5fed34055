/** Finds the transition that a viewer sees move. Boundary: pure; states in, a transition out. */

export interface Edge {
  readonly from: string
  readonly to: string
}

/**
 * The transition that led to a state. Between two looks the job may have gone through several states, so one that leads there
 * from the state of the last look comes first, then one from a state beside it.
 */
export const transitionTo = (edges: ReadonlyArray<Edge>, before: string, active: string): Edge | undefined => {
  const into = edges.filter(({ to }) => active === to || active.startsWith(`${to}.`))
  const [parent = ""] = before.split(".")
  return (
    into.find(({ from }) => from === before) ??
    into.find(({ from }) => from.split(".")[0] === parent) ??
    into.find(({ to }) => to === active)
  )
}
