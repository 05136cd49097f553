# Exports: Hyper-V writes them as a job, which goes on whatever becomes of this worker.

# Begins an export; answers the id of its job, an empty one where it is done already.
function Start-VmExport {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder,
        [Parameter(Mandatory)][ValidateSet('whole', 'configuration', 'vm-checkpoint')][string] $Part,
        # With part vm-checkpoint: its id.
        [Parameter(Mandatory)][AllowEmptyString()][ValidatePattern('\A(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?\z')][string] $CheckpointId
    )
    $vm = Get-NeededVm -VmId $VmId
    $system = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ComputerSystem | Where-Object { $_.Name -eq $VmId }
    $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemManagementService
    $settings = ConvertTo-EmbeddedInstance -ClassName 'Msvm_VirtualSystemExportSettingData' -Properties @{
        # 0: with all VM checkpoints. 2: one alone, as a VM of its own.
        CopySnapshotConfiguration  = [byte] $(if ($Part -eq 'vm-checkpoint') { 2 } else { 0 })
        CopyVmRuntimeInformation   = $vm.State.ToString() -eq 'Saved'
        CopyVmStorage              = $Part -ne 'configuration'
        CreateVmExportSubdirectory = $false
        # Of a VM that runs. 0: as after a loss of power. 2: with the help of its guest, where the VM is set to nothing less.
        CaptureLiveState           = [byte] $(if ($vm.CheckpointType.ToString() -eq 'ProductionOnly') { 2 } else { 0 })
        SnapshotVirtualSystem      = if ($Part -eq 'vm-checkpoint') { Get-CheckpointPath -VmId $VmId -CheckpointId $CheckpointId } else { $null }
    }
    $result = Invoke-CimMethod -InputObject $service -MethodName ExportSystemDefinition -Arguments @{ ComputerSystem = $system; ExportDirectory = $Folder; ExportSettingData = $settings }
    if ($result.ReturnValue -eq 4096) { return [ordered]@{ jobId = "$($result.Job.InstanceID)" } }
    Complete-CimCall -Result $result -What "The export of VM $VmId"
    [ordered]@{ jobId = '' }
}

# The path by which WMI names a VM checkpoint: its settings are an instance of their own.
function Get-CheckpointPath {
    param([string] $VmId, [string] $CheckpointId)
    $all = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemSettingData -Property InstanceID, VirtualSystemIdentifier, VirtualSystemType
    $found = @($all | Where-Object { $_.InstanceID -eq "Microsoft:$CheckpointId" -and $_.VirtualSystemIdentifier -eq $VmId -and $_.VirtualSystemType -eq 'Microsoft:Hyper-V:Snapshot:Realized' })
    if ($found.Count -ne 1) { Stop-Request -Code 'NotFound' -Message "VM $VmId has no VM checkpoint $CheckpointId." }
    $names = $found[0].CimSystemProperties
    "\\$($names.ServerName)\$("$($names.Namespace)".Replace('/', '\')):$($names.ClassName).InstanceID=`"$($found[0].InstanceID)`""
}
