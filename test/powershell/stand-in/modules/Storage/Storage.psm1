Set-StrictMode -Version 2

function Get-Volume {
    [CmdletBinding()]
    param([Parameter(ParameterSetName = 'ByFilePath')][string] $FilePath)
    Invoke-StandInService -Command 'volume' -With @{ path = $FilePath }
}
