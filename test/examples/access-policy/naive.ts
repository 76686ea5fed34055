/** The rights of users, from the definition: for each question, all paths are walked. It shares nothing with the example. */
import type { Program } from "effect-converge"
import type { access } from "../../../docs/examples/access-policy/program.ts"

export type Policy = Program.Program.Input<typeof access>

/** All that one or more steps reach from a start. */
const reached = (start: string, stepsFrom: (at: string) => ReadonlyArray<string>): ReadonlySet<string> => {
  const found = new Set<string>()
  const open = [...stepsFrom(start)]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (found.has(at)) continue
    found.add(at)
    open.push(...stepsFrom(at))
  }
  return found
}

/** The decisions "who permission item", in the order of their texts. */
export const naiveAccess = (policy: Policy): ReadonlyArray<string> => {
  const groupsOf = (who: string) => policy.members.filter(({ member }) => member === who).map(({ group }) => group)
  const foldersOf = (what: string) => policy.contents.filter(({ item }) => item === what).map(({ folder }) => folder)
  const everybody = new Set([
    ...policy.members.map(({ member }) => member),
    ...policy.rules.map(({ subject }) => subject)
  ])
  const everything = new Set([...policy.contents.map(({ item }) => item), ...policy.rules.map(({ on }) => on)])
  const permissions = new Set(policy.roles.map(({ permission }) => permission))
  const claims = (effect: string, who: string, permission: string, item: string): boolean => {
    const subjects = new Set([who, ...reached(who, groupsOf)])
    const places = new Set([item, ...reached(item, foldersOf)])
    const roles = new Set(policy.roles.filter((role) => role.permission === permission).map(({ role }) => role))
    return policy.rules.some(
      (rule) =>
        !rule.isRevoked &&
        rule.effect === effect &&
        subjects.has(rule.subject) &&
        places.has(rule.on) &&
        roles.has(rule.role)
    )
  }
  const allowed: Array<string> = []
  for (const who of everybody)
    for (const permission of permissions)
      for (const item of everything)
        if (claims("grant", who, permission, item) && !claims("deny", who, permission, item))
          allowed.push(`${who} ${permission} ${item}`)
  return allowed.toSorted()
}
