// The Functions app on Flex Consumption. It reads its package, keeps its state and sends telemetry with one identity.

@description('Name of the app.')
param name string

@description('Name of the plan.')
param planName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the identity.')
param identityId string

@description('Client id of the identity.')
param identityClientId string

@description('Name of the storage account.')
param storageName string

@description('Container of the package.')
param deploymentContainerName string

@description('Connection string of Application Insights.')
param insightsConnectionString string

@description('Endpoint of the relay namespace.')
param relayEndpoint string

@description('Ids of the hosts.')
param hosts string[]

@description('Key with which the app signs what it asks of agents.')
@secure()
param signingKey string

@description('Major version of Node.')
param nodeVersion string

@description('Memory of an instance in MB.')
param instanceMemoryMB int

@description('Most instances at once.')
param maximumInstanceCount int

@description('Instances that always stand ready for orchestrations.')
param durableAlwaysReadyCount int

@description('Shortest time between two looks at an operation, in milliseconds.')
param lookMsMin int

@description('Longest time between two looks at an operation, in milliseconds.')
param lookMsMax int

@description('Silence of an agent after which a run says so, in milliseconds.')
param silenceMsMax int

@description('When the timer looks for due batches.')
param batchSchedule string

var alwaysReady = durableAlwaysReadyCount == 0
  ? []
  : [
      {
        name: 'durable'
        instanceCount: durableAlwaysReadyCount
      }
    ]

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  // azd finds the app of the service "app" of azure.yaml by this tag.
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'node'
        version: nodeVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
      }
    }
  }

  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      // By this, DefaultAzureCredential takes the identity of the app for the relay.
      AZURE_CLIENT_ID: identityClientId
      AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
      AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
      AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      HYPERFERRY_HOSTS: join(hosts, ',')
      HYPERFERRY_RELAY_ENDPOINT: relayEndpoint
      HYPERFERRY_SIGNING_KEY: signingKey
      HYPERFERRY_LOOK_MS_MIN: string(lookMsMin)
      HYPERFERRY_LOOK_MS_MAX: string(lookMsMax)
      HYPERFERRY_SILENCE_MS_MAX: string(silenceMsMax)
      HYPERFERRY_BATCH_SCHEDULE: batchSchedule
    }
  }
}

@description('Address of the app.')
output url string = 'https://${app.properties.defaultHostName}'
