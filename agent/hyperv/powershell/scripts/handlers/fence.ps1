# The fence: the account under which Hyper-V runs the VM is denied its own disk files, so that the VM starts for nobody, not even for a
# person or after a restart of the host. Hyper-V itself and the agent still reach them.

function Lock-VmDisks {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    $paths = @(Read-DiskPaths -Vm $vm)
    if ($paths.Count -eq 0) { Stop-Request -Code 'VmStateWrong' -Message "VM $($vm.Name) has no disk file by which it could be fenced." }
    Assert-StandsStill -Vm $vm
    try {
        foreach ($path in $paths) { Add-Denial -Path $path -VmId $VmId }
        # It may have been started meanwhile; what is open already is not closed by a denial.
        Assert-StandsStill -Vm (Get-NeededVm -VmId $VmId)
    }
    catch {
        Invoke-Afterwards { foreach ($path in $paths) { Remove-Denial -Path $path -VmId $VmId } }
        throw
    }
    Read-ChangedVm -VmId $VmId
}

function Unlock-VmDisks {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    foreach ($path in @(Read-DiskPaths -Vm $vm)) { Remove-Denial -Path $path -VmId $VmId }
    Read-ChangedVm -VmId $VmId
}

function Read-DiskPaths {
    param($Vm)
    Get-VMHardDiskDrive -VM $Vm | Where-Object { $null -eq $_.DiskNumber -and "$($_.Path)" -ne '' } | ForEach-Object { $_.Path }
}

function Assert-StandsStill {
    param($Vm)
    if (@('Off', 'Saved') -notcontains $Vm.State.ToString()) {
        Stop-Request -Code 'VmStateWrong' -Message "VM $($Vm.Name) is $($Vm.State): a fence keeps it from starting, it does not stop it."
    }
}

# The account of a VM: S-1-5-83-1 and the GUID as four numbers.
function Get-VmSid {
    param([string] $VmId)
    $bytes = ([guid] $VmId).ToByteArray()
    $parts = 0, 4, 8, 12 | ForEach-Object { [BitConverter]::ToUInt32($bytes, $_) }
    "S-1-5-83-1-$($parts -join '-')"
}

function Add-Denial {
    param([string] $Path, [string] $VmId)
    $sid = Get-VmSid -VmId $VmId
    Invoke-Icacls -Path $Path -Arguments '/deny', "*${sid}:(F)"
    # Not taken on trust: the list of rights, which names the account by its GUID or its SID, must say so.
    $listed = @(& icacls.exe $Path | Where-Object { $_ -match '\((?:DENY|N)\)' -and ($_ -match $VmId -or $_ -match $sid) })
    if ($listed.Count -eq 0) { Stop-Request -Code 'HyperVRefused' -Message "Windows did not keep the denial on $Path." }
}

function Remove-Denial {
    param([string] $Path, [string] $VmId)
    Invoke-Icacls -Path $Path -Arguments '/remove:d', "*$(Get-VmSid -VmId $VmId)"
}

function Invoke-Icacls {
    param([string] $Path, [string[]] $Arguments)
    $null = & icacls.exe $Path @Arguments
    if ($global:LASTEXITCODE -eq 0) { return }
    $hresult = [int] ('0x8007{0:X4}' -f $global:LASTEXITCODE)
    throw (New-Object -TypeName System.Runtime.InteropServices.COMException -ArgumentList "icacls failed on $Path.", $hresult)
}
