// Everything that hyperferry needs in Azure, in a resource group of its own. Plain resources, so that it compiles without a registry.
targetScope = 'subscription'

@description('Name of the azd environment; resources are named and tagged by it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region of all resources. It has to offer Flex Consumption.')
@minLength(1)
param location string

@description('Ids of the Hyper-V hosts. Each gets a hybrid connection of its name; letters, digits, "-" and "_", at most 50.')
@minLength(1)
param hosts string[]

@description('Object ids of the identities of agents by host, such as { "host-a": "<object id of its Azure Arc machine>" }. A host that is not named here gets a Listen-only key on its own hybrid connection instead.')
param agentPrincipalIds object = {}

@description('Ed25519 private key (PKCS #8, base64) with which the app signs what it asks of agents: made by "hyperferry keys".')
@secure()
@minLength(1)
param signingKey string

@description('Major version of Node on which the app runs.')
@allowed(['22', '24'])
param nodeVersion string = '24'

@description('Memory of an instance of the app in MB.')
@allowed([2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances of the app at once. The work is done by the agents, so a few carry hundreds of migrations.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 10

@description('Instances that always stand ready for orchestrations and their timers. With 0 a run may wait for an instance to start at each step.')
@minValue(0)
@maxValue(20)
param durableAlwaysReadyCount int = 1

@description('Redundancy of the storage account, which holds the histories, ledgers and receipts.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS'])
param storageSku string = 'Standard_LRS'

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Shortest time between two looks at an operation, in milliseconds.')
@minValue(100)
param lookMsMin int = 1000

@description('Longest time between two looks at an operation, in milliseconds. Looks cost one activity each.')
@minValue(1000)
param lookMsMax int = 15000

@description('Silence of an agent after which a run says so and tries again, in milliseconds.')
@minValue(10000)
param silenceMsMax int = 180000

@description('When the timer looks for batches whose time has come, as NCRONTAB with six fields.')
param batchSchedule string = '0 * * * * *'

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-hyperferry-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-hyperferry-${token}'
    insightsName: 'appi-hyperferry-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'sthf${token}'
    location: location
    tags: tags
    sku: storageSku
  }
}

module relay 'modules/relay.bicep' = {
  name: 'relay'
  scope: group
  params: {
    name: 'relay-hyperferry-${token}'
    location: location
    tags: tags
    hosts: hosts
    hostsWithIdentity: map(items(agentPrincipalIds), entry => entry.key)
    workspaceId: monitoring.outputs.workspaceId
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    appPrincipalId: identity.outputs.principalId
    storageName: storage.outputs.name
    insightsName: monitoring.outputs.insightsName
    relayName: relay.outputs.name
    hosts: hosts
    agentPrincipalIds: agentPrincipalIds
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  // Without its rights the app cannot read its own package.
  dependsOn: [roles]
  params: {
    name: 'func-hyperferry-${token}'
    planName: 'plan-hyperferry-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainerName: storage.outputs.deploymentContainerName
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    relayEndpoint: relay.outputs.endpoint
    hosts: hosts
    signingKey: signingKey
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    durableAlwaysReadyCount: durableAlwaysReadyCount
    lookMsMin: lookMsMin
    lookMsMax: lookMsMax
    silenceMsMax: silenceMsMax
    batchSchedule: batchSchedule
  }
}

@description('Region of the resources.')
output AZURE_LOCATION string = location

@description('Resource group of the environment.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Address of the HTTP interface, as HYPERFERRY_API takes it.')
output HYPERFERRY_API string = '${app.outputs.url}/api'

@description('Endpoint for the relay section of each agent\'s configuration.')
output HYPERFERRY_RELAY_ENDPOINT string = relay.outputs.endpoint
