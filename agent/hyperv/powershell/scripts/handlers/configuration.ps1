# The configuration of a VM without its disks, and the end of a registration.

# Without VM checkpoints, since that of the run is merged where it arrives. Saved memory goes along, or the VM would be imported as off.
function Export-VmConfiguration {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder
    )
    $vm = Get-NeededVm -VmId $VmId
    Assert-StandsStill -Vm $vm
    $system = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ComputerSystem | Where-Object { $_.Name -eq $VmId }
    $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemManagementService
    $settings = ConvertTo-EmbeddedInstance -ClassName 'Msvm_VirtualSystemExportSettingData' -Properties @{
        CopySnapshotConfiguration  = [byte] 1
        CopyVmRuntimeInformation   = $vm.State.ToString() -eq 'Saved'
        CopyVmStorage              = $false
        CreateVmExportSubdirectory = $false
    }
    $result = Invoke-CimMethod -InputObject $service -MethodName ExportSystemDefinition -Arguments @{ ComputerSystem = $system; ExportDirectory = $Folder; ExportSettingData = $settings }
    Complete-CimCall -Result $result -What "The export of the configuration of VM $VmId"
    [ordered]@{ folder = $Folder }
}

# Takes a VM that stands still off the host; its disks stay. Notes that are not those that the caller has read say that it is another's now.
function Remove-StillVm {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 65536)][string] $Expected,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 32767)][string[]] $DiskPaths
    )
    $vm = Find-Vm -VmId $VmId
    if ($null -ne $vm) {
        if (-not [string]::Equals("$($vm.Notes)", $Expected, [StringComparison]::Ordinal)) {
            Stop-Request -Code 'VmBusy' -Message "The notes of VM $($vm.Name) were changed meanwhile."
        }
        Assert-StandsStill -Vm $vm
        Remove-VM -VM $vm -Force
        return Invoke-Afterwards { Unlock-Files -VmId $VmId -DiskPaths $DiskPaths }
    }
    Unlock-Files -VmId $VmId -DiskPaths $DiskPaths
}

# Takes back what kept a VM from these files.
function Unlock-Files {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 32767)][string[]] $DiskPaths
    )
    foreach ($path in $DiskPaths) { if ([System.IO.File]::Exists($path)) { Remove-Denial -Path $path -VmId $VmId } }
    [ordered]@{ done = $true }
}

# Keeps a VM from these files that is not registered here.
function Lock-Files {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 32767)][string[]] $DiskPaths
    )
    foreach ($path in $DiskPaths) { if ([System.IO.File]::Exists($path)) { Add-Denial -Path $path -VmId $VmId } }
    [ordered]@{ done = $true }
}
