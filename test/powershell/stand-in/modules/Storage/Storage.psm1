Set-StrictMode -Version 2

function Get-Volume {
    [CmdletBinding()]
    param([Parameter(ParameterSetName = 'ByFilePath')][string] $FilePath)
    Invoke-StandInService -Command 'volume' -With @{ path = $FilePath }
}

function Get-Disk {
    [CmdletBinding()]
    param([Parameter(Position = 0, ParameterSetName = 'ByNumber')][uint32[]] $Number)
    if ($Number) { throw 'The stand-in lists all disks.' }
    [pscustomobject] @{ Number = 0; UniqueId = 'eui.000000000000000100a0752100000001'; BusType = 'NVMe'; IsOffline = $false; IsReadOnly = $false; IsClustered = $false; IsBoot = $true; IsSystem = $true }
    foreach ($lun in Invoke-StandInService -Command 'luns') {
        [pscustomobject] @{
            Number      = $lun.number
            UniqueId    = $lun.name
            BusType     = 'iSCSI'
            IsOffline   = -not $lun.isOnline
            IsReadOnly  = $false
            IsClustered = $lun.isReserved
            IsBoot      = $false
            IsSystem    = $false
        }
    }
}

function Get-Partition {
    [CmdletBinding(DefaultParameterSetName = 'ByNumber')]
    param([Parameter(Position = 0, ParameterSetName = 'ByNumber')][uint32[]] $DiskNumber)
    $lun = Invoke-StandInService -Command 'luns' | Where-Object { $DiskNumber -contains $_.number }
    if ($null -eq $lun) { throw "The stand-in has no partitions of disk $DiskNumber." }
    [pscustomobject] @{ DiskNumber = $lun.number; PartitionNumber = 1; Type = 'Reserved'; AccessPaths = @() }
    [pscustomobject] @{ DiskNumber = $lun.number; PartitionNumber = 2; Type = 'Basic'; AccessPaths = @($lun.path, "\\?\Volume{$($lun.name)}\") }
}
