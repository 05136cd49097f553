// Who may do what. Rights are of the narrowest scope that does: the app sends to every host, an agent listens for its own alone.

@description('Object id of the identity of the app.')
param appPrincipalId string

@description('Name of the storage account.')
param storageName string

@description('Name of the Application Insights component.')
param insightsName string

@description('Name of the relay namespace.')
param relayName string

@description('Ids of the hosts.')
param hosts string[]

@description('Object ids of the identities of agents, by host.')
param agentPrincipalIds object

// Built-in roles of Azure by the id that is the same in every tenant.
var roleIds = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  relaySender: '26baccc8-eea7-41f1-98f4-1762cc7f685d'
  relayListener: '26e0b698-aa6d-4085-9386-aadae190014d'
}

// The host and its packages are in blobs, the work items of Durable Functions in queues, its histories in tables.
var storageRoles = [
  roleIds.storageBlobDataOwner
  roleIds.storageQueueDataContributor
  roleIds.storageTableDataContributor
]

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource namespace 'Microsoft.Relay/namespaces@2024-01-01' existing = {
  name: relayName
}

resource connections 'Microsoft.Relay/namespaces/hybridConnections@2024-01-01' existing = [
  for host in hosts: {
    parent: namespace
    name: host
  }
]

resource appOnStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in storageRoles: {
    name: guid(storage.id, appPrincipalId, role)
    scope: storage
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource appOnInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, appPrincipalId, roleIds.monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.monitoringMetricsPublisher)
  }
}

resource appOnConnections 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (host, index) in hosts: {
    name: guid(connections[index].id, appPrincipalId, roleIds.relaySender)
    scope: connections[index]
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.relaySender)
    }
  }
]

resource agentsOnConnections 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (host, index) in hosts: if (contains(agentPrincipalIds, host)) {
    name: guid(connections[index].id, agentPrincipalIds[?host] ?? '', roleIds.relayListener)
    scope: connections[index]
    properties: {
      principalId: agentPrincipalIds[?host] ?? ''
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.relayListener)
    }
  }
]
