# Exports and their jobs, planned VMs and the settings of VMs; of the module CimCmdlets.

function Get-ExportJobs {
    foreach ($job in Invoke-StandInService -Command 'export-jobs') {
        [pscustomobject] @{
            Class            = 'Msvm_ConcreteJob'
            InstanceID       = $job.id.ToUpperInvariant()
            OfVm             = $job.vmId.ToUpperInvariant()
            JobType          = [uint16] 62
            JobState         = [uint16] $job.state
            PercentComplete  = [uint16] $job.percent
            ErrorCode        = [uint16] $job.errorCode
            ErrorDescription = $job.description
            Cancellable      = $job.state -eq 4
        }
    }
}

function Stop-ExportJob {
    param($Job, [System.Collections.IDictionary] $Given)
    if ($Given.RequestedState -isnot [uint16] -or $Given.RequestedState -ne 4) { return New-Result -ReturnValue 32773 }
    [void] (Invoke-StandInService -Command 'stop-export' -With @{ id = $Job.InstanceID.ToLowerInvariant() })
    New-Result -ReturnValue 4096
}

function Start-Export {
    param([System.Collections.IDictionary] $Given)
    $settings = ([xml] $Given.ExportSettingData).INSTANCE
    if ($settings.CLASSNAME -ne 'Msvm_VirtualSystemExportSettingData') { return New-Result -ReturnValue 32773 }
    $told = @{}
    foreach ($property in $settings.PROPERTY) { $told[$property.NAME] = "$($property.VALUE)" }
    if ($told['CreateVmExportSubdirectory'] -ne 'FALSE') { throw 'The stand-in makes no folder of its own.' }
    $checkpoint = $null
    if ($told['CopySnapshotConfiguration'] -eq '2') {
        if ($told['SnapshotVirtualSystem'] -notmatch '\A\\\\STAND-IN\\root\\virtualization\\v2:Msvm_VirtualSystemSettingData\.InstanceID="Microsoft:([0-9A-F-]{36})"\z') {
            return New-Result -ReturnValue 32773
        }
        $checkpoint = $Matches[1].ToLowerInvariant()
    }
    $with = @{
        vmId          = $Given.ComputerSystem.Name.ToLowerInvariant()
        folder        = $Given.ExportDirectory
        copiesRuntime = $told['CopyVmRuntimeInformation'] -eq 'TRUE'
        copiesStorage = $told['CopyVmStorage'] -eq 'TRUE' -or $null -ne $checkpoint
        checkpointId  = $checkpoint
        captures      = [int] $told['CaptureLiveState']
    }
    $job = Invoke-StandInService -Command 'export' -With $with
    if ($null -eq $job) { return New-Result -ReturnValue 0 }
    [pscustomobject] @{ ReturnValue = [uint32] 4096; Job = [pscustomobject] @{ InstanceID = $job.ToUpperInvariant() } }
}

function Get-SystemSettings {
    foreach ($vm in Invoke-StandInService -Command 'planned') {
        New-SystemSettings -Id $vm.id -OfVm $vm.id -Type 'Microsoft:Hyper-V:System:Planned' -Root $vm.root
    }
    foreach ($vm in Invoke-StandInService -Command 'vms') {
        New-SystemSettings -Id $vm.id -OfVm $vm.id -Type 'Microsoft:Hyper-V:System:Realized' -Root $vm.home
        foreach ($taken in $vm.checkpoints) {
            New-SystemSettings -Id $taken.id -OfVm $vm.id -Type 'Microsoft:Hyper-V:Snapshot:Realized' -Root $vm.home
        }
    }
}

# The real one ends a folder with a separator or not.
function New-SystemSettings {
    param([string] $Id, [string] $OfVm, [string] $Type, [string] $Root)
    [pscustomobject] @{
        Class                   = 'Msvm_VirtualSystemSettingData'
        VmId                    = $OfVm
        CheckpointId            = if ($Type -like '*:Snapshot:*') { $Id } else { $null }
        InstanceID              = "Microsoft:$($Id.ToUpperInvariant())"
        VirtualSystemIdentifier = $OfVm.ToUpperInvariant()
        VirtualSystemType       = $Type
        ConfigurationDataRoot   = "$Root/"
        CimSystemProperties     = [pscustomobject] @{ ServerName = 'STAND-IN'; Namespace = 'root/virtualization/v2'; ClassName = 'Msvm_VirtualSystemSettingData' }
    }
}

function Get-NeededPlan {
    param($System)
    if ($System.Class -ne 'Msvm_PlannedComputerSystem') { throw 'A planned VM is wanted.' }
    $System.Name.ToLowerInvariant()
}
