Set-StrictMode -Version 2

function Get-Volume {
    [CmdletBinding()]
    param([Parameter(ParameterSetName = 'ByFilePath')][string] $FilePath)
    Invoke-StandInService -Command 'volume' -With @{ path = $FilePath }
}

function Get-Disk {
    [CmdletBinding(DefaultParameterSetName = 'ByNumber')]
    param(
        [Parameter(Position = 0, ParameterSetName = 'ByNumber')][uint32[]] $Number,
        [Parameter(ParameterSetName = 'ByPartition')][object] $Partition
    )
    if ($Number) { throw 'The stand-in lists all disks, or the one of a partition of a volume.' }
    if ($Partition) { return [pscustomobject] @{ Number = $Partition.DiskNumber; PhysicalSectorSize = $Partition.PhysicalSectorSize } }
    [pscustomobject] @{ Number = 0; UniqueId = 'eui.000000000000000100a0752100000001'; BusType = 'NVMe'; IsOffline = $false; IsReadOnly = $false; IsClustered = $false; IsBoot = $true; IsSystem = $true }
    foreach ($lun in Invoke-StandInService -Command 'luns') {
        [pscustomobject] @{
            Number      = $lun.number
            UniqueId    = $lun.name
            BusType     = 'iSCSI'
            IsOffline   = $lun.isOffline
            IsReadOnly  = $lun.isReadOnly
            IsClustered = $lun.isReserved
            IsBoot      = $false
            IsSystem    = $false
        }
    }
}

function Get-Partition {
    [CmdletBinding(DefaultParameterSetName = 'ByNumber')]
    param(
        [Parameter(Position = 0, ParameterSetName = 'ByNumber')][uint32[]] $DiskNumber,
        [Parameter(ParameterSetName = 'ByVolume')][object] $Volume
    )
    # The disks of a shared volume are the cluster's, and no partition is told for it.
    if ($Volume) {
        if ($Volume.IsShared) { return }
        return [pscustomobject] @{ DiskNumber = 0; PartitionNumber = 1; Type = 'Basic'; PhysicalSectorSize = $Volume.PhysicalSectorSize }
    }
    $luns = @(Invoke-StandInService -Command 'luns' | Where-Object { -not $_.isOffline -and (-not $DiskNumber -or $DiskNumber -contains $_.number) })
    if ($DiskNumber -and $luns.Count -eq 0) { throw "The stand-in has no partitions of disk $DiskNumber." }
    if (-not $DiskNumber) { [pscustomobject] @{ DiskNumber = 0; PartitionNumber = 1; Type = 'Basic'; AccessPaths = @('C:\') } }
    foreach ($lun in $luns) {
        [pscustomobject] @{ DiskNumber = $lun.number; PartitionNumber = 1; Type = 'Reserved'; AccessPaths = @() }
        [pscustomobject] @{ DiskNumber = $lun.number; PartitionNumber = 2; Type = 'Basic'; AccessPaths = @($lun.paths) + "\\?\Volume{$($lun.name)}\" }
    }
}

function Set-Disk {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, ParameterSetName = 'ById')][Parameter(Mandatory, ParameterSetName = 'ByIdAttributes')][string] $UniqueId,
        [Parameter(ParameterSetName = 'ById')][bool] $IsOffline,
        [Parameter(ParameterSetName = 'ByIdAttributes')][bool] $IsReadOnly
    )
    if ($PSCmdlet.ParameterSetName -eq 'ById') { [void] (Invoke-StandInService -Command 'set-lun-offline' -With @{ name = $UniqueId; isOffline = $IsOffline }) }
    else { [void] (Invoke-StandInService -Command 'set-lun-read-only' -With @{ name = $UniqueId; isReadOnly = $IsReadOnly }) }
}

function Update-HostStorageCache {
    [CmdletBinding()]
    param()
}

function Add-PartitionAccessPath {
    [CmdletBinding()]
    param([uint32] $DiskNumber, [uint32] $PartitionNumber, [string] $AccessPath)
    [void] (Invoke-StandInService -Command 'add-lun-path' -With @{ name = (Get-LunName -Number $DiskNumber -Partition $PartitionNumber); path = $AccessPath })
}

function Remove-PartitionAccessPath {
    [CmdletBinding()]
    param([uint32] $DiskNumber, [uint32] $PartitionNumber, [string] $AccessPath)
    [void] (Invoke-StandInService -Command 'remove-lun-path' -With @{ name = (Get-LunName -Number $DiskNumber -Partition $PartitionNumber); path = $AccessPath })
}

function Get-LunName {
    param([uint32] $Number, [uint32] $Partition)
    if ($Partition -ne 2) { throw "Partition $Partition of disk $Number holds no files." }
    (Invoke-StandInService -Command 'luns' | Where-Object { $_.number -eq $Number }).name
}
