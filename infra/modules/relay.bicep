// The relay namespace, with a hybrid connection for each host. No host opens an inbound port to the internet: agents listen outbound.

@description('Name of the namespace.')
@minLength(6)
@maxLength(50)
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Ids of the hosts.')
param hosts string[]

@description('Hosts whose agent has an identity with the Listener role; the others get a Listen-only key.')
param hostsWithIdentity string[]

@description('Log Analytics workspace for the events of hybrid connections.')
param workspaceId string

resource namespace 'Microsoft.Relay/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
}

resource connections 'Microsoft.Relay/namespaces/hybridConnections@2024-01-01' = [
  for host in hosts: {
    parent: namespace
    name: host
    properties: {
      requiresClientAuthorization: true
      userMetadata: 'hyperferry agent of ${host}'
    }
  }
]

// On one hybrid connection alone: a host cannot listen in the name of another.
resource listenRules 'Microsoft.Relay/namespaces/hybridConnections/authorizationRules@2024-01-01' = [
  for (host, index) in hosts: if (!contains(hostsWithIdentity, host)) {
    parent: connections[index]
    name: 'listen'
    properties: {
      rights: ['Listen']
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'HybridConnectionsEvent'
        enabled: true
      }
    ]
  }
}

@description('Name of the namespace.')
output name string = namespace.name

@description('Endpoint as the app and the agents take it, without a path or a slash at its end.')
output endpoint string = replace(namespace.properties.serviceBusEndpoint, ':443/', '')
