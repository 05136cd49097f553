# Migration jobs, and the service that makes them; of the module CimCmdlets.

function Get-MigrationJobs {
    # One that ended before, and one that only checks.
    New-MigrationJob -With @{ JobState = 7; JobType = 305 }
    New-MigrationJob -With @{ JobState = 4; JobType = 301 }
    $own = @(Invoke-StandInService -Command 'move-jobs')
    foreach ($job in $own) {
        New-MigrationJob -With @{
            InstanceID        = $job.id
            VirtualSystemName = $job.vmId.ToUpperInvariant()
            JobState          = $job.state
            JobType           = $job.type
            PercentComplete   = $job.percent
            Cancellable       = $job.state -eq 4
            DestinationHost   = $job.destinationHost
            ErrorCode         = $job.errorCode
            ErrorDescription  = $job.description
            Told              = @($job.errors)
        }
    }
    # Those of VMs that others move, which the simulated host only counts.
    $migration = (Invoke-StandInService -Command 'host').facts.liveMigration.value
    $open = @($own | Where-Object { $_.state -eq 4 })
    $live = $migration.slots.used - @($open | Where-Object { $_.type -ne 307 }).Count
    $storage = $migration.storageSlots.used - @($open | Where-Object { $_.type -eq 307 }).Count
    for ($at = 0; $at -lt $live; $at++) { New-MigrationJob -With @{ JobState = 4; JobType = 305 } }
    for ($at = 0; $at -lt $storage; $at++) { New-MigrationJob -With @{ JobState = 4; JobType = 307 } }
}

function New-MigrationJob {
    param([hashtable] $With)
    $job = @{
        Class             = 'Msvm_MigrationJob'
        InstanceID        = '11111111-1111-1111-1111-111111111111'
        VirtualSystemName = '00000000-0000-0000-0000-000000000000'
        PercentComplete   = 0
        Cancellable       = $false
        DestinationHost   = $null
        ErrorCode         = 0
        ErrorDescription  = $null
        Told              = @()
    }
    foreach ($name in $With.Keys) { $job[$name] = $With[$name] }
    foreach ($name in 'JobState', 'JobType', 'PercentComplete', 'ErrorCode') { $job[$name] = [uint16] $job[$name] }
    [pscustomobject] $job
}

function Invoke-MigrationMethod {
    param($Object, [string] $Method, [System.Collections.IDictionary] $Given)
    switch ("$($Object.Class).$Method") {
        'Msvm_VirtualSystemMigrationService.GetSystemCompatibilityVectors' {
            $name = $Given.ComputerSystem.Name
            $vm = if ($name -eq 'STAND-IN') { $null } else { $name.ToLowerInvariant() }
            $vectors = foreach ($one in Invoke-StandInService -Command 'vectors' -With @{ vmId = $vm }) {
                [pscustomobject] @{ VectorId = [uint32] $one.id; CompareOperation = [uint32] $one.operation; CompatibilityInfo = [uint64]::Parse($one.value) }
            }
            return [pscustomobject] @{ ReturnValue = [uint32] 0; CompatibilityVectors = @($vectors) }
        }
        'Msvm_MigrationJob.RequestStateChange' {
            if ($Given.RequestedState -isnot [uint16] -or $Given.RequestedState -ne 4) { return [pscustomobject] @{ ReturnValue = [uint32] 32773 } }
            if (-not $Object.Cancellable) { return [pscustomobject] @{ ReturnValue = [uint32] 32775 } }
            [void] (Invoke-StandInService -Command 'stop-move' -With @{ id = $Object.InstanceID })
            return [pscustomobject] @{ ReturnValue = [uint32] 4096 }
        }
        'Msvm_MigrationJob.GetErrorEx' {
            $errors = foreach ($one in $Object.Told) {
                $text = [System.Security.SecurityElement]::Escape($one.text)
                "<INSTANCE CLASSNAME=`"Msvm_Error`"><PROPERTY NAME=`"ErrorType`" TYPE=`"uint16`"/><PROPERTY NAME=`"MessageID`" TYPE=`"string`"><VALUE>$($one.id)</VALUE></PROPERTY><PROPERTY NAME=`"Message`" TYPE=`"string`"><VALUE>$text</VALUE></PROPERTY></INSTANCE>"
            }
            return [pscustomobject] @{ ReturnValue = [uint32] 0; Errors = [string[]] @($errors | Where-Object { $null -ne $_ }) }
        }
        default { throw "$($Object.Class) has no $Method." }
    }
}
