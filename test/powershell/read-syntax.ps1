# Prints the syntax of scripts as JSON: errors of the parser, and each command with the names of its parameters, literal values
# and the keys of tables that are splatted. Nothing of the scripts is run.
[CmdletBinding()]
param([Parameter(Mandatory)][string[]] $Path)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

function Read-Command {
    param($Command, $Splats)
    $parameters = New-Object -TypeName System.Collections.ArrayList
    $elements = @($Command.CommandElements)
    for ($at = 1; $at -lt $elements.Count; $at++) {
        $element = $elements[$at]
        if ($element -is [System.Management.Automation.Language.CommandParameterAst]) {
            $next = if ($null -ne $element.Argument) { $element.Argument } elseif ($at + 1 -lt $elements.Count) { $elements[$at + 1] } else { $null }
            $literal = if ($next -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $next.Value } else { $null }
            $list = if ($next -is [System.Management.Automation.Language.ArrayLiteralAst]) { @($next.Elements | Where-Object { $_ -is [System.Management.Automation.Language.StringConstantExpressionAst] } | ForEach-Object { $_.Value }) } else { @() }
            $keys = if ($next -is [System.Management.Automation.Language.HashtableAst]) { @($next.KeyValuePairs | ForEach-Object { $_.Item1.Value }) } else { @() }
            [void] $parameters.Add([ordered]@{ name = $element.ParameterName; literal = $literal; list = @($list); keys = @($keys) })
        }
        elseif ($element -is [System.Management.Automation.Language.VariableExpressionAst] -and $element.Splatted) {
            $name = $element.VariablePath.UserPath
            if (-not $Splats.ContainsKey($name)) { [void] $parameters.Add([ordered]@{ name = "@$name"; literal = $null; list = @(); keys = @() }); continue }
            foreach ($key in $Splats[$name]) { [void] $parameters.Add([ordered]@{ name = $key; literal = $null; list = @(); keys = @() }) }
        }
    }
    [ordered]@{ name = $Command.GetCommandName(); line = $Command.Extent.StartLineNumber; parameters = @($parameters) }
}

# Keys of the tables that a function gives to a variable: $p = @{ A = 1 } and $p.B = 2 or $p['B'] = 2.
function Read-Splats {
    param($Ast)
    $splats = @{}
    $assignments = $Ast.FindAll({ param($node) $node -is [System.Management.Automation.Language.AssignmentStatementAst] }, $true)
    foreach ($assignment in $assignments) {
        $left = $assignment.Left
        $value = $assignment.Right
        if ($left -is [System.Management.Automation.Language.VariableExpressionAst]) {
            $table = $value.Find({ param($node) $node -is [System.Management.Automation.Language.HashtableAst] }, $false)
            if ($null -ne $table) { $splats[$left.VariablePath.UserPath] = @($table.KeyValuePairs | ForEach-Object { $_.Item1.Value }) }
        }
        elseif ($left -is [System.Management.Automation.Language.MemberExpressionAst] -and $left.Expression -is [System.Management.Automation.Language.VariableExpressionAst]) {
            $name = $left.Expression.VariablePath.UserPath
            if ($splats.ContainsKey($name)) { $splats[$name] = @($splats[$name]) + "$($left.Member.Value)" }
        }
    }
    $splats
}

$files = foreach ($one in $Path) {
    $tokens = $null; $errors = $null
    $ast = [System.Management.Automation.Language.Parser]::ParseFile($one, [ref] $tokens, [ref] $errors)
    $functions = @($ast.FindAll({ param($node) $node -is [System.Management.Automation.Language.FunctionDefinitionAst] }, $true))
    $splats = Read-Splats -Ast $ast
    [ordered]@{
        path      = $one
        errors    = @($errors | ForEach-Object { "$($_.Extent.StartLineNumber): $($_.Message)" })
        functions = @($functions | ForEach-Object { [ordered]@{
                    name       = $_.Name
                    parameters = @(if ($null -ne $_.Body.ParamBlock) { $_.Body.ParamBlock.Parameters | ForEach-Object { $_.Name.VariablePath.UserPath } })
                } })
        commands  = @($ast.FindAll({ param($node) $node -is [System.Management.Automation.Language.CommandAst] }, $true) | ForEach-Object { Read-Command -Command $_ -Splats $splats })
    }
}
ConvertTo-Json -InputObject @($files) -Depth 8 -Compress
